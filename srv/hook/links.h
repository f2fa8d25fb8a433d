/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/domain/metadata.h"

/*
 * The VLAN links that a domain's failover nics stand on, which no boot of the host brings back and
 * libvirt does not make. The daemon makes them; when it does not answer, this does, so that the
 * domain starts without it.
 *
 * Returns after two seconds at most, whatever the kernel does. What cannot be made is in the log,
 * and for libvirt to refuse the start for.
 */
void hook_make_links(const struct srv_domain *domain);
