/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Much in little memory: what is taken out is what was put in, however many there are. */

#include "harness.h"

#include "base/arena.h"
#include "plan/request-list.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 5000

START_TEST(memory_of_an_arena_is_zeroed_aligned_and_stays_where_it_is)
{
	struct arena arena = { .n = 0 };
	static const char zeros[200];
	uint32_t numbers[MANY];
	char *first;

	for (size_t i = 0; i < MANY; i++) {
		size_t len = 1 + i % 200;
		char *bytes;

		numbers[i] = arena_take(&arena, len);
		ck_assert_uint_ne(numbers[i], 0);
		bytes = arena_at(&arena, numbers[i]);
		ck_assert_uint_eq((uintptr_t)bytes % ARENA_WORD, 0);
		ck_assert_mem_eq(bytes, zeros, len);
		memset(bytes, (int)(1 + i % 100), len);
	}
	first = arena_at(&arena, numbers[0]);
	ck_assert_uint_ne(arena_take(&arena, ARENA_BLOCK / 2), 0);
	ck_assert_ptr_eq(arena_at(&arena, numbers[0]), first);
	for (size_t i = 0; i < MANY; i++) {
		const char *bytes = arena_at(&arena, numbers[i]);

		ck_assert_int_eq(bytes[0], (int)(1 + i % 100));
		ck_assert_int_eq(bytes[i % 200], (int)(1 + i % 100));
	}
	arena_clear(&arena);
	ck_assert_uint_eq(arena.n, 0);
}
END_TEST

/* All fields of it take part, now and then. */
static struct request make_exposure(size_t i)
{
	struct request request = { .kind = REQUEST_EXPOSE };
	struct expose_request *expose = &request.expose;
	bool is_six = i % 3 == 0;

	expose->alias.prefix.address.family = is_six ? AF_INET6 : AF_INET;
	expose->target.prefix.address.family = is_six ? AF_INET6 : AF_INET;
	for (size_t at = 0; at < (is_six ? 16 : 4); at++) {
		expose->alias.prefix.address.bytes[at] = (uint8_t)(i >> at);
		expose->target.prefix.address.bytes[at] = (uint8_t)(i * at);
	}
	expose->alias.prefix.len = expose->target.prefix.len = is_six ? 128 : 32;
	if (i % 5 == 0) {
		expose->alias.protocol = IPPROTO_UDP;
		expose->alias.first_port = expose->alias.last_port = (uint16_t)i;
		expose->target.first_port = expose->target.last_port = (uint16_t)(i + 1);
	}
	if (i % 7 == 0)
		expose->flags = NESTNET_EXPOSE_OPEN | NESTNET_EXPOSE_NO_LOCAL;
	if (i % 11 == 0)
		expose->egress = NESTNET_EGRESS_NONE;
	if (i % 13 == 0)
		expose->timeout_ms = UINT64_MAX - i;
	if (i % 17 == 0)
		expose->comment = strdup("web");
	if (i % 19 == 0) {
		expose->from.list = calloc(2, sizeof(*expose->from.list));
		expose->from.n = 2;
	}
	return request;
}

START_TEST(exposures_are_kept_as_they_are)
{
	struct request_list list = { .n = 0 };
	struct request *added = calloc(MANY, sizeof(*added));

	for (size_t i = 0; i < MANY; i++) {
		added[i] = make_exposure(i);
		ck_assert(request_list_add(&list, &added[i]));
	}
	ck_assert_uint_eq(list.n, MANY);
	for (size_t i = 0; i < MANY; i++) {
		struct request buffer;
		const struct request *kept;

		memset(&buffer, 0xa5, sizeof(buffer));
		kept = request_list_at(&list, i, &buffer);
		ck_assert_int_eq(kept->kind, REQUEST_EXPOSE);
		ck_assert_mem_eq(&kept->expose, &added[i].expose, sizeof(kept->expose));
		ck_assert_ptr_null(request_list_whole(&list, i));
	}
	request_list_clear(&list);
	free(added);
}
END_TEST

START_TEST(other_requests_stay_where_they_are)
{
	struct request_list list = { .n = 0 };
	struct request buffer, exposure = make_exposure(1);
	const struct request *first = NULL;

	for (size_t i = 0; i < 1000; i++) {
		struct request tap = { .kind = REQUEST_TAP_ADD };

		snprintf(tap.tap.name, sizeof(tap.tap.name), "tap%zu", i);
		ck_assert(request_list_add(&list, &tap));
		ck_assert(request_list_add(&list, &exposure));
		if (!first)
			first = request_list_whole(&list, 0);
	}
	ck_assert_ptr_eq(request_list_whole(&list, 0), first);
	ck_assert_ptr_eq(request_list_at(&list, 0, &buffer), first);
	ck_assert_str_eq(request_list_whole(&list, 1998)->tap.name, "tap999");
	ck_assert_int_eq(request_list_kind(&list, 1998), REQUEST_TAP_ADD);
	ck_assert_int_eq(request_list_kind(&list, 1999), REQUEST_EXPOSE);
	ck_assert(request_list_has(&list, REQUEST_TAP_ADD));
	ck_assert(!request_list_has(&list, REQUEST_TAP_DEL));
	request_list_clear(&list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lists");
	TCase *tcase = harness_case(suite, "lists", 10);

	tcase_add_test(tcase, memory_of_an_arena_is_zeroed_aligned_and_stays_where_it_is);
	tcase_add_test(tcase, exposures_are_kept_as_they_are);
	tcase_add_test(tcase, other_requests_stay_where_they_are);
	return harness_run(suite);
}
