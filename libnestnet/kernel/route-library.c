/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libnl-route, loaded when it is needed; route-library.h says why. */

#include "kernel/route-library.h"

#include "base/error.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Copies a symbol's address, which ISO C does not let become a function pointer by cast. */
static bool find_symbol(void *library, const char *name, void *ret)
{
	void *symbol = dlsym(library, name);

	memcpy(ret, &symbol, sizeof(symbol));
	return symbol;
}

#define FIND(name) &&find_symbol(library, #name, &ret->name)

int route_library_load(struct route_library *ret, struct error *error)
{
	void *library = dlopen("libnl-route-3.so.200", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	bool is_whole = library ROUTE_LIBRARY(FIND);

	if (!is_whole)
		return error_set(error, EIO, "load libnl-route: %s", dlerror());
	/* Not unloaded (RTLD_NODELETE), so that no one else need be told who has it. */
	dlclose(library);
	return 0;
}
