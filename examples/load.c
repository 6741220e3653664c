/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnestnet, if it is there: a program that does not link it, and loads it when it wants a
 * tap of its own. The types come from the header, and so do those of the functions.
 *
 *	cc -o load load.c $(pkg-config --cflags libnestnet) -ldl
 */
#include <nestnet/nestnet.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FUNCTIONS(X)                    \
	X(nestnet_version)              \
	X(nestnet_new)                  \
	X(nestnet_free)                 \
	X(nestnet_errmsg)               \
	X(nestnet_tap_add)              \
	X(nestnet_transaction_new)      \
	X(nestnet_transaction_free)     \
	X(nestnet_transaction_commit)   \
	X(nestnet_transaction_ifname)   \
	X(nestnet_transaction_take_fds)

#define POINTER(name) __typeof__(name) *name;
#define LOAD(name)                              \
	symbol = dlsym(handle, #name);          \
	if (!symbol)                            \
		return -1;                      \
	memcpy(&ret->name, &symbol, sizeof(symbol));

struct library {
	FUNCTIONS(POINTER)
};

/* The number is that of the ABI: a library of another is another library. */
static int load(struct library *ret)
{
	void *handle = dlopen("libnestnet.so.0", RTLD_NOW | RTLD_LOCAL), *symbol;

	if (!handle)
		return -1;
	FUNCTIONS(LOAD)
	return 0;
}

static int use_tap(const struct library *lib, struct nestnet *ctx)
{
	struct nestnet_open_options how;
	struct nestnet_tap_options tap;
	struct nestnet_transaction *tx;
	int fd, r = lib->nestnet_transaction_new(ctx, &tx);

	if (r < 0)
		return r;
	memset(&how, 0, sizeof(how));
	how.size = sizeof(how);
	memset(&tap, 0, sizeof(tap));
	tap.size = sizeof(tap);
	tap.flags = NESTNET_TAP_EPHEMERAL;
	tap.open = &how;
	r = lib->nestnet_tap_add(tx, "vm%d", &tap);
	if (r == 0)
		r = lib->nestnet_transaction_commit(tx);
	if (r == 0)
		r = lib->nestnet_transaction_take_fds(tx, 0, &fd, 1);
	if (r == 0) {
		printf("%s is open\n", lib->nestnet_transaction_ifname(tx, 0));
		close(fd);
	}
	lib->nestnet_transaction_free(tx);
	return r;
}

int main(void)
{
	struct library lib;
	struct nestnet *ctx;
	int r;

	if (load(&lib) < 0) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	printf("libnestnet %s\n", lib.nestnet_version());
	r = lib.nestnet_new(&ctx, NULL);
	if (r == 0)
		r = use_tap(&lib, ctx);
	if (r < 0)
		fprintf(stderr, "%s\n", ctx ? lib.nestnet_errmsg(ctx) : strerror(-r));
	lib.nestnet_free(ctx);
	return r < 0;
}
