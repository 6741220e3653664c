/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_FUZZ_H
#define NESTNET_TESTS_FUZZ_H

/* What the fuzz targets share. Each is a program of libFuzzer's, to be built with
 * --enable-fuzzing; README.md says what they are about. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** The input as text, its NUL behind it; to be freed. */
char *fuzz_text(const uint8_t *data, size_t size);

/** Leaves for a network namespace of its own, with lo alone; ends the program where there
 *  can be none. */
void fuzz_leave(void);

#endif
