// The versions of the libraries that net/ runs on, for `weir version`.
//
// Threads: any; static texts.

#pragma once

const char *version_uv(void);
const char *version_cares(void);
