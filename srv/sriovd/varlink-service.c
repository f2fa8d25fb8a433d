// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/varlink-internal.h"

#include <string.h>

/* As varlink.org has it ("Service Interface"); clients ask for it like for any other. */
const char srv_service_text[] =
	"# The Varlink Service Interface is provided by every varlink service. It\n"
	"# describes the service and the interfaces it implements.\n"
	"interface org.varlink.service\n"
	"\n"
	"# Get a list of all the interfaces a service provides and information\n"
	"# about the implementation.\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"# Get the description of an interface that is implemented by this service.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"# The requested interface was not found.\n"
	"error InterfaceNotFound (interface: string)\n"
	"\n"
	"# The requested method was not found\n"
	"error MethodNotFound (method: string)\n"
	"\n"
	"# The interface defines the requested method, but the service does not\n"
	"# implement it.\n"
	"error MethodNotImplemented (method: string)\n"
	"\n"
	"# One of the passed parameters is invalid.\n"
	"error InvalidParameter (parameter: string)\n"
	"\n"
	"# Client is denied access\n"
	"error PermissionDenied ()\n"
	"\n"
	"# Method is expected to be called with 'more' set to true, but wasn't\n"
	"error ExpectedMore ()\n";

static void get_info(struct srv_call *call, const struct srv_varlink *varlink)
{
	const struct srv_varlink_handler *handler = varlink->handler;
	json_t *interfaces = json_array();
	json_t *info = json_object();

	json_array_append_new(interfaces, json_string(srv_interface_name(varlink->interface)));
	json_array_append_new(interfaces, json_string(SRV_SERVICE_INTERFACE));
	json_object_set_new(info, "vendor", json_string(handler->vendor));
	json_object_set_new(info, "product", json_string(handler->product));
	json_object_set_new(info, "version", json_string(handler->version));
	json_object_set_new(info, "url", json_string(handler->url));
	json_object_set_new(info, "interfaces", interfaces);
	srv_call_reply(call, info);
}

static void get_description(struct srv_call *call, const struct srv_varlink *varlink,
			    const char *name)
{
	const struct srv_interface *const known[] = { varlink->interface, varlink->service };
	json_t *parameters = json_object();

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strcmp(name, srv_interface_name(known[i])) != 0)
			continue;
		json_object_set_new(parameters, "description",
				    json_string(srv_interface_text(known[i])));
		srv_call_reply(call, parameters);
		return;
	}
	json_object_set_new(parameters, "interface", json_string(name));
	srv_call_error_named(call, SRV_SERVICE_INTERFACE ".InterfaceNotFound", parameters);
}

void srv_service_call(struct srv_call *call, const struct srv_varlink *varlink, const char *member,
		      const json_t *parameters)
{
	if (strcmp(member, "GetInfo") == 0)
		get_info(call, varlink);
	else
		get_description(call, varlink,
				json_string_value(json_object_get(parameters, "interface")));
}
