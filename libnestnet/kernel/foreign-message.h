/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_FOREIGN_MESSAGE_H
#define NESTNET_KERNEL_FOREIGN_MESSAGE_H

/* What the files of foreign rules share; for the kernel room alone. */

#include "kernel/foreign.h"

#include <stdio.h> /* libnftnl's headers want FILE, and do not say so */

#include <libnftnl/expr.h>

/** Appends a zeroed operation. @return NULL where there is no memory */
struct foreign_op *foreign_add_op(struct foreign_rule *rule, enum foreign_kind kind);

/** Appends the operations of an expression. @return 0 or -ENOMEM */
int foreign_add_expr(struct foreign_rule *rule, const struct nftnl_expr *expr);

/** The same of a match or a target of xtables. */
int foreign_add_match(struct foreign_rule *rule, const struct nftnl_expr *expr);
int foreign_add_target(struct foreign_rule *rule, const struct nftnl_expr *expr);

/** What nf_tables' verdict code means. */
enum foreign_verdict foreign_verdict_of(uint32_t code);

/** NFPROTO_* of a family. */
uint8_t foreign_family_number(enum foreign_family family);

void foreign_clear_op(struct foreign_op *op);

#endif
