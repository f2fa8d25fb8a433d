/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/*
 * Which of names [n] somebody meant who wrote text: the nearest one, borrowed, or NULL when none is
 * near. Case does not count; of equally near ones the first is taken.
 */
const char *sriov_nearest(const char *text, const char *const *names, size_t n);
