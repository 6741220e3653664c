/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BENCH_NUMBERS_H
#define NESTNET_BENCH_NUMBERS_H

/* What the programs of the bench have in common: the number of an exposure is its alias and
 * its target, and what an act took is printed, a line each. */

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NUMBERS_MAX 625000u

/* 100.64.0.1, 100.64.0.2 and so on; in host order. */
static inline uint32_t number_alias(unsigned int number)
{
	return 0x64000000u | (64 + number / 62500) << 16 | number / 250 % 250 << 8 |
	       (number % 250 + 1);
}

/* 172.16.0.1, 172.16.0.2 and so on. */
static inline uint32_t number_target(unsigned int number)
{
	return 0xac000000u | (16 + number / 62500) << 16 | number / 250 % 250 << 8 |
	       (number % 250 + 1);
}

static inline double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static inline void print_took(double start)
{
	printf("%.2f\n", now_us() - start);
}

#endif
