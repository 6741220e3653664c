/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of JSON, as printed by status: each object becomes the words of its command. */

#include "file.h"

#include "lazy.h"

int file_take_json(struct cli *cli, struct file *file, const char *text, size_t len)
{
	(void)cli;
	(void)file;
	(void)text;
	(void)len;
	return STATUS_USAGE;
}
