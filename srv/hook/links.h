/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/domain/metadata.h"

/*
 * The names of the VLAN links that virtio NICs of ours in a domain's configuration stand on, be it
 * those of failover nics or what a removal that was cut short has left: libvirt looks for them when
 * the domain starts, and makes none. Of char, the caller's.
 */
GPtrArray *hook_links(const struct srv_domain *domain);

/*
 * Makes them: no boot of the host brings them back. The daemon does so; when it does not answer,
 * this does, so that the domain starts without it.
 *
 * Returns after two seconds at most, whatever the kernel does. What cannot be made is in the log,
 * and for libvirt to refuse the start for.
 */
void hook_make_links(const struct srv_domain *domain);
