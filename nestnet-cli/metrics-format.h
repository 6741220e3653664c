/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_METRICS_FORMAT_H
#define NESTNET_CLI_METRICS_FORMAT_H

/*
 * Families of metrics. The text format wants all samples of a family together, so what is
 * read once is written family by family: each sample into the buffer of its family, and the
 * buffers one after another.
 */

#include "text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct family {
	const char *name, *type, *help;
};

/* Families that are filled side by side. */
struct families {
	const struct family *list;
	size_t n;
	struct {
		FILE *file;
		struct text text;
	} * buffers;
};

/** Opens a buffer for each. @return 0 or -ENOMEM; metrics_close() in both cases */
int metrics_open(struct families *families, const struct family *list, size_t n);

/** Writes them to file where all went well, and frees them. @return r, or -ENOMEM */
int metrics_close(struct families *families, FILE *file, int r);

/** Begins a sample of a family: NAME{, for labels, of which the last ends it by "} ". */
FILE *metrics_begin(struct families *families, size_t family);

/** Writes a label. @param value  any text: what the format does not take is escaped */
void metrics_label(FILE *file, const char *name, const char *value, const char *behind);

/** A whole sample with one label; and a whole family of one sample without. */
void metrics_sample(struct families *families, size_t family, const char *label,
		    const char *value, uint64_t number);
void metrics_number(FILE *file, const struct family *family, uint64_t number);

#endif
