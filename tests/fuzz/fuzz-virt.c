// SPDX-License-Identifier: GPL-2.0-or-later
/* What libvirt and QEMU say beside a domain's XML: QEMU's event as JSON, the XML's root element. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "srv/sriovd/virt-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* libvirt gives strings. Of exactly that size, for the sanitizer. */
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *alias = srv_virt_event_device(text);

	/* A name can be written with escapes, but not a string without its quotes. */
	if (alias)
		g_assert(strchr(text, '{') && strchr(text, '"') &&
			 g_utf8_validate(alias, -1, NULL));
	/* Only an element with an attribute of that name is live. */
	if (srv_virt_xml_is_live(text))
		g_assert(strchr(text, '<') && strstr(text, "id"));
	g_assert(!srv_virt_event_device(NULL));
	return 0;
}
