/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces for tests, and the API in one call each. */

#include "netns.h"

#include "plan/context.h"

#include "kernel/nft.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct nestnet *ctx;

/* One that only looks, so that a test's faults and descriptors are not its own. */
static struct nestnet *observer;

static unsigned int n_namespaces;

/* ---- Namespaces ------------------------------------------------------------------------- */

static void leave(void)
{
	ctx = nestnet_free(ctx);
	observer = nestnet_free(observer);
}

static void enter(void)
{
	ck_assert_msg(unshare(CLONE_NEWNET) == 0, "unshare: %s", strerror(errno));
	n_namespaces++;
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	ck_assert_int_eq(nestnet_new(&observer, NULL), 0);
	/* No link-local addresses, which come and go by themselves. */
	set_setting("ipv6/conf/default/addr_gen_mode", 1);
}

void netns_fresh(void)
{
	leave();
	enter();
}

unsigned int netns_count(void)
{
	return n_namespaces;
}

TCase *netns_case(Suite *suite, const char *name, double seconds)
{
	TCase *tcase = harness_case(suite, name, seconds);

	tcase_add_checked_fixture(tcase, enter, leave);
	return tcase;
}

static bool can_make_namespaces(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool is_impossible(void)
{
	const char *ci = getenv("CI");

	if ((ci && *ci) || geteuid() == 0 || can_make_namespaces())
		return false;
	puts("network namespaces cannot be made here");
	return true;
}

int netns_run(Suite *suite)
{
	return is_impossible() ? 77 : harness_run(suite);
}

int netns_run_in_one(Suite *suite)
{
	return is_impossible() ? 77 : harness_run_in_one(suite);
}

/* ---- Shell -------------------------------------------------------------------------------- */

static char *vcommand(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

static char *vcommand(const char *format, va_list args)
{
	char *command = NULL;

	ck_assert_int_ge(vasprintf(&command, format, args), 0);
	return command;
}

/* check sees to it that a test that hangs in here ends. */
static char *run(const char *command, int *ret_status)
{
	FILE *pipe = popen(command, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	ck_assert_ptr_nonnull(pipe);
	len = getdelim(&text, &size, '\0', pipe);
	if (len < 0) {
		free(text);
		text = strdup("");
	}
	*ret_status = pclose(pipe);
	return text;
}

unsigned int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	unsigned int n = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

char *sh_output(const char *format, ...)
{
	char *command, *text;
	va_list args;
	int status;

	va_start(args, format);
	command = vcommand(format, args);
	va_end(args);
	text = run(command, &status);
	ck_assert_msg(status == 0, "%s: status %d: %s", command, status, text);
	free(command);
	return text;
}

void sh(const char *format, ...)
{
	char *command, *text;
	va_list args;
	int status;

	va_start(args, format);
	command = vcommand(format, args);
	va_end(args);
	text = run(command, &status);
	ck_assert_msg(status == 0, "%s: status %d: %s", command, status, text);
	free(text);
	free(command);
}

int sh_status(const char *format, ...)
{
	char *command, *text;
	va_list args;
	int status;

	va_start(args, format);
	command = vcommand(format, args);
	va_end(args);
	text = run(command, &status);
	free(text);
	free(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Settings -------------------------------------------------------------------------------- */

int setting(const char *file)
{
	char path[200];
	int value = -1;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", file);
	stream = fopen(path, "re");
	ck_assert_msg(stream, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fscanf(stream, "%d", &value), 1);
	fclose(stream);
	return value;
}

void set_setting(const char *file, int value)
{
	char path[200];
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", file);
	stream = fopen(path, "we");
	ck_assert_msg(stream, "%s: %s", path, strerror(errno));
	fprintf(stream, "%d\n", value);
	ck_assert_msg(fclose(stream) == 0, "%s: %s", path, strerror(errno));
}

uint32_t generation(void)
{
	const struct nft_table table = { .family = NFT_FAMILY_INET, .name = "nestnet" };
	struct error error = { .code = 0 };
	char comment[NFT_COMMENT_MAX + 1];
	struct netlink *nl;
	uint32_t value = 0;

	ck_assert_int_eq(context_filter(observer, &nl), 0);
	ck_assert_int_ge(
		nft_table_get(nl, &table, &value, comment, sizeof(comment), &error), 0);
	return value;
}

/* ---- Values ----------------------------------------------------------------------------------- */

struct nestnet_endpoint alias_of(const char *text)
{
	struct nestnet_endpoint endpoint;
	const char *why = "";

	ck_assert_msg(nestnet_alias_parse(text, &endpoint, &why) == 0, "%s: %s", text,
		      why);
	return endpoint;
}

struct nestnet_endpoint target_of(const char *text)
{
	struct nestnet_endpoint endpoint;
	const char *why = "";

	ck_assert_msg(nestnet_target_parse(text, &endpoint, &why) == 0, "%s: %s", text,
		      why);
	return endpoint;
}

struct nestnet_prefix prefix_of(const char *text)
{
	struct nestnet_prefix prefix;

	ck_assert_msg(nestnet_prefix_parse(text, &prefix) == 0, "%s", text);
	return prefix;
}

struct nestnet_address address_of(const char *text)
{
	struct nestnet_address address;

	ck_assert_msg(nestnet_address_parse(text, &address) == 0, "%s", text);
	return address;
}

const uint8_t *mac_of(uint8_t last)
{
	static uint8_t mac[6];

	memcpy(mac, "\x02\x00\x00\x00\x00", 5);
	mac[5] = last;
	return mac;
}

/* ---- Transactions -------------------------------------------------------------------------------- */

struct nestnet_transaction *begin(void)
{
	struct nestnet_transaction *tx;

	ck_assert_int_eq(nestnet_transaction_new(ctx, &tx), 0);
	return tx;
}

int commit(struct nestnet_transaction *tx)
{
	int r = nestnet_transaction_commit(tx);

	nestnet_transaction_free(tx);
	return r;
}

/* A request that was refused is the transaction's result; what is to be tested of that is
 * in tests/unit. */
static int finish(struct nestnet_transaction *tx, int queued)
{
	ok(queued);
	return commit(tx);
}

void add_expose(struct nestnet_transaction *tx, const char *alias, const char *target,
		unsigned int flags)
{
	struct nestnet_endpoint from = alias_of(alias), to = target_of(target);
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = flags };

	ok(nestnet_expose(tx, &from, &to, &options));
}

void add_nat(struct nestnet_transaction *tx, const char *subnet, unsigned int flags)
{
	struct nestnet_nat_options options = { .size = sizeof(options), .flags = flags };
	struct nestnet_prefix prefix = prefix_of(subnet);

	ok(nestnet_nat_add(tx, &prefix, &options));
}

void add_tap(struct nestnet_transaction *tx, const char *name, const char *bridge)
{
	struct nestnet_tap_options options = { .size = sizeof(options),
					       .bridge = bridge };

	ok(nestnet_tap_add(tx, name, &options));
}

void add_bridge(struct nestnet_transaction *tx, const char *name, const char *address)
{
	struct nestnet_prefix prefix = prefix_of(address ? address : "10.0.0.1/24");
	struct nestnet_bridge_options options = { .size = sizeof(options),
						  .addresses = &prefix,
						  .n_addresses = address ? 1 : 0,
						  .mac = mac_of(0xb0) };

	ok(nestnet_bridge_add(tx, name, &options));
}

int expose_with(const char *alias, const char *target,
		const struct nestnet_expose_options *options)
{
	struct nestnet_endpoint from = alias_of(alias), to = target_of(target);
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_expose(tx, &from, &to, options));
}

int expose(const char *alias, const char *target, unsigned int flags)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = flags };

	return expose_with(alias, target, &options);
}

int unexpose(const char *alias, unsigned int flags)
{
	struct nestnet_endpoint from = alias_of(alias);
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_unexpose(tx, &from, flags));
}

int unexpose_target(const char *target, unsigned int flags)
{
	struct nestnet_transaction *tx = begin();
	struct nestnet_address address;

	if (target)
		address = address_of(target);
	return finish(tx, nestnet_unexpose_target(tx, target ? &address : NULL, flags));
}

int nat_add(const char *subnet, const struct nestnet_nat_options *options)
{
	struct nestnet_prefix prefix = prefix_of(subnet);
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_nat_add(tx, &prefix, options));
}

int nat_del(const char *subnet, unsigned int flags)
{
	struct nestnet_prefix prefix = prefix_of(subnet);
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_nat_del(tx, &prefix, flags));
}

int tap_add(const char *name, const struct nestnet_tap_options *options)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_tap_add(tx, name, options));
}

int tap_del(const char *name, unsigned int flags)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_tap_del(tx, name, flags));
}

int bridge_add(const char *name, const struct nestnet_bridge_options *options)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_bridge_add(tx, name, options));
}

int bridge_del(const char *name, unsigned int flags)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_bridge_del(tx, name, flags));
}

int attach(const char *bridge, const char *ifname, unsigned int flags)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_bridge_attach(tx, bridge, ifname, flags));
}

int detach(const char *ifname, unsigned int flags)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_bridge_detach(tx, ifname, flags));
}

int forward_set(const char *ifname, int family, int is_on)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_forward_set(tx, ifname, family, is_on));
}

int clear(void)
{
	struct nestnet_transaction *tx = begin();

	return finish(tx, nestnet_clear(tx));
}
