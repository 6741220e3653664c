/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_FOREIGN_MESSAGE_H
#define NESTNET_KERNEL_FOREIGN_MESSAGE_H

/*
 * What the files of foreign rules share; for the kernel room alone. Messages are taken apart
 * by libmnl: libnftnl ends the process where an attribute is not what it expects.
 */

#include "kernel/foreign.h"

#include <libmnl/libmnl.h>

/** More attributes than any expression that is read has. */
#define FOREIGN_ATTRS 16

/** An expression with its attributes, by number. */
struct foreign_expr {
	const char *name;
	const struct nlattr *attrs[FOREIGN_ATTRS];
};

/** @return the number, or 0: it has none */
uint32_t foreign_number(const struct foreign_expr *expr, uint16_t attr);
/** @return the text, or NULL: it has none */
const char *foreign_text(const struct foreign_expr *expr, uint16_t attr);

/** Appends a zeroed operation. @return NULL where there is no memory */
struct foreign_op *foreign_add_op(struct foreign_rule *rule, enum foreign_kind kind);

/** Appends the operations of an expression. @return 0 or -ENOMEM */
int foreign_add_expr(struct foreign_rule *rule, const struct foreign_expr *expr);

/** The same of a match or a target of xtables. */
int foreign_add_match(struct foreign_rule *rule, const struct foreign_expr *expr);
int foreign_add_target(struct foreign_rule *rule, const struct foreign_expr *expr);

/** Reads the verdict of a datum, where it has one, as an operation. @return 0 or -ENOMEM */
int foreign_read_verdict(const struct nlattr *data, struct foreign_op *ret);

/** Reads the value of a datum. @return its length, or 0: none, or more than size */
size_t foreign_read_value(const struct nlattr *data, uint8_t *ret, size_t size);

/** @param bytes  of a comment with its NUL */
bool foreign_is_our_comment(const void *bytes, size_t len);

/** NFPROTO_* of a family, and the other way. */
uint8_t foreign_family_number(enum foreign_family family);
enum foreign_family foreign_family_of(uint8_t number);

void foreign_clear_op(struct foreign_op *op);

#endif
