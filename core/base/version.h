// weir's own name and version, as logs, headers and `weir version` show them.

#pragma once

#define WEIR_VERSION "0.1.0"
#define WEIR_NAME "weir/" WEIR_VERSION
