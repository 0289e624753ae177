// abi_text.c - the text of abi.h inside the binary, so that Lua declares exactly what was compiled.
//
// The assembler finds the file relative to the folder that the compiler runs in, the root of the
// tree. Including it as well makes this object depend on it.

#include "vm/abi.h"

__asm__(".pushsection .rodata\n"
        ".globl abi_text\n"
        ".hidden abi_text\n"
        ".type abi_text, @object\n"
        "abi_text:\n"
        ".incbin \"core/vm/abi.h\"\n"
        ".byte 0\n"
        ".size abi_text, . - abi_text\n"
        ".popsection\n");

extern const char abi_text[] __attribute__((visibility("hidden")));

const char *weir_abi_text(void)
{
    return abi_text;
}
