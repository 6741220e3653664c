/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries that only the verbs which print rows need; lazy.h says why. */

#define LAZY_NAMES_ARE_REAL
#include "lazy.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct lazy lazy;

/* Copies a symbol's address, which ISO C does not let become a function pointer by cast. */
static bool find_symbol(void *library, const char *name, void *ret)
{
	void *symbol = dlsym(library, name);

	memcpy(ret, &symbol, sizeof(symbol));
	return symbol;
}

#define LAZY_FIND(name) &&find_symbol(library, #name, &lazy.name)

static bool load_jansson(void)
{
	void *library = dlopen("libjansson.so.4", RTLD_NOW);

	return library LAZY_JANSSON(LAZY_FIND);
}

static bool load_smartcols(void)
{
	void *library = dlopen("libsmartcols.so.1", RTLD_NOW);

	return library LAZY_SMARTCOLS(LAZY_FIND);
}

bool lazy_load(void)
{
	static bool is_loaded;

	is_loaded = is_loaded || (load_jansson() && load_smartcols());
	if (is_loaded)
		return true;
	fprintf(stderr, "nestnet: to print needs jansson and libsmartcols: %s\n", dlerror());
	return false;
}
