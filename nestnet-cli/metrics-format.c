/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */

#include "metrics-format.h"

#include <errno.h>
#include <stdlib.h>

static void put_header(FILE *file, const struct family *family)
{
	fprintf(file, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
		family->name, family->type);
}

int metrics_open(struct families *families, const struct family *list, size_t n)
{
	*families = (struct families){ .list = list, .n = n };
	families->buffers = calloc(n, sizeof(*families->buffers));
	if (!families->buffers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		families->buffers[i].file = text_stream(&families->buffers[i].text);
		if (!families->buffers[i].file)
			return -ENOMEM;
		put_header(families->buffers[i].file, &list[i]);
	}
	return 0;
}

int metrics_close(struct families *families, FILE *file, int r)
{
	for (size_t i = 0; families->buffers && i < families->n; i++) {
		struct text *text = &families->buffers[i].text;

		if (!families->buffers[i].file || fclose(families->buffers[i].file) != 0 ||
		    text->is_failed)
			r = r < 0 ? r : -ENOMEM;
		else if (r == 0)
			fwrite(text->bytes, 1, text->len, file);
		text_free(text);
	}
	free(families->buffers);
	return r;
}

void metrics_label(FILE *file, const char *name, const char *value, const char *behind)
{
	fprintf(file, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", file);
		else if (*value == '"' || *value == '\\')
			fprintf(file, "\\%c", *value);
		else
			fputc(*value, file);
	}
	fprintf(file, "\"%s", behind);
}

FILE *metrics_begin(struct families *families, size_t family)
{
	FILE *file = families->buffers[family].file;

	fprintf(file, "%s{", families->list[family].name);
	return file;
}

void metrics_sample(struct families *families, size_t family, const char *label,
		    const char *value, uint64_t number)
{
	FILE *file = metrics_begin(families, family);

	metrics_label(file, label, value, "} ");
	fprintf(file, "%llu\n", (unsigned long long)number);
}

void metrics_number(FILE *file, const struct family *family, uint64_t number)
{
	put_header(file, family);
	fprintf(file, "%s %llu\n", family->name, (unsigned long long)number);
}
