// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/access.h"

#include <errno.h>
#include <setjmp.h>

#include <glib.h>
#include <pci/pci.h>

struct spci_access {
	struct pci_access *pci;
};

/* Where on_error() jumps to: set by whoever calls into libpci, for as long as the call lasts. */
static __thread jmp_buf *guard;

/* Every call into libpci that may fail runs as guarded(access, call, argument). */
static int guarded(struct pci_access *pci, int (*call)(struct pci_access *pci, void *arg),
		   void *arg)
{
	jmp_buf here;
	int r;

	/*
	 * Nothing of this frame changes between setjmp() and longjmp(), so nothing needs to be
	 * volatile. What libpci had allocated is linked to `pci` and goes with it.
	 */
	guard = &here;
	if (setjmp(here) == 0)
		r = call(pci, arg);
	else
		r = -EIO;
	guard = NULL;
	return r;
}

static G_NORETURN void on_error(char *msg, ...)
{
	if (!guard)
		g_error("libpci failed outside of a guarded call: %s", msg);
	longjmp(*guard, 1);
}

/* A device that vanishes while we look is no news. */
static void on_message(char *msg, ...)
{
}

struct spci_access *spci_access_new(const char *root)
{
	struct spci_access *access = g_new0(struct spci_access, 1);
	g_autofree char *path = g_build_filename(root, "sys/bus/pci", NULL);

	access->pci = pci_alloc();
	access->pci->method = PCI_ACCESS_SYS_BUS_PCI;
	access->pci->error = on_error;
	access->pci->warning = on_message;
	access->pci->debug = on_message;
	pci_set_param(access->pci, (char *)"sysfs.path", path);
	pci_init(access->pci);
	return access;
}

void spci_access_free(struct spci_access *access)
{
	if (!access)
		return;
	pci_cleanup(access->pci);
	g_free(access);
}

struct question {
	struct pci_dev *dev;
	struct spci_ident ident;
	struct spci_capability capability;
};

static int ask(struct spci_access *access, struct sriov_bdf bdf,
	       int (*call)(struct pci_access *pci, void *arg), struct question *question)
{
	int r;

	/* libpci keeps the domain in an int, whose negative values it refuses. */
	if (bdf.domain > INT32_MAX)
		return -EIO;
	question->dev = pci_get_dev(access->pci, (int)bdf.domain, bdf.bus, bdf.device,
				    bdf.function);
	r = guarded(access->pci, call, question);
	pci_free_dev(question->dev);
	return r;
}

static int call_ident(struct pci_access *pci, void *arg)
{
	struct question *question = arg;
	struct pci_dev *dev = question->dev;

	if (!(pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CLASS) & PCI_FILL_CLASS))
		return -EIO;
	question->ident = (struct spci_ident){ dev->vendor_id, dev->device_id, dev->device_class };
	return 0;
}

int spci_access_ident(struct spci_access *access, struct sriov_bdf bdf, struct spci_ident *ret)
{
	struct question question = { 0 };
	int r = ask(access, bdf, call_ident, &question);

	if (r == 0)
		*ret = question.ident;
	return r;
}

static int call_capability(struct pci_access *pci, void *arg)
{
	struct question *question = arg;
	struct pci_dev *dev = question->dev;
	struct pci_cap *cap = pci_find_cap(dev, PCI_EXT_CAP_ID_SRIOV, PCI_CAP_EXTENDED);
	int at = cap ? (int)cap->addr : 0;
	uint16_t control;

	if (!cap)
		return -ENOENT;
	control = pci_read_word(dev, at + PCI_IOV_CTRL);
	/* What a device reads as that has fallen off the bus, or a read past the end of the file.
	 */
	if (control == UINT16_MAX)
		return -ENOENT;
	question->capability = (struct spci_capability){
		.num_vfs = control & PCI_IOV_CTRL_VFE ? pci_read_word(dev, at + PCI_IOV_NUMVF) : 0,
		.offset = pci_read_word(dev, at + PCI_IOV_OFFSET),
		.stride = pci_read_word(dev, at + PCI_IOV_STRIDE),
		.vf_device = pci_read_word(dev, at + PCI_IOV_DID),
	};
	return question->capability.vf_device == UINT16_MAX ? -ENOENT : 0;
}

int spci_access_capability(struct spci_access *access, struct sriov_bdf bdf,
			   struct spci_capability *ret)
{
	struct question question = { 0 };
	int r = ask(access, bdf, call_capability, &question);

	if (r == 0)
		*ret = question.capability;
	return r;
}

struct names {
	char *vendor;
	char *device;
};

static void look_up(struct spci_access *access, uint16_t vendor, uint16_t device, struct names *ret)
{
	/* A name out of pci.ids, or NULL: no DNS, and not udev's copy, whose handle libpci 3.9
	 * leaks. */
	const int flags = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;
	char buf[256];

	ret->vendor = g_strdup(
		pci_lookup_name(access->pci, buf, sizeof(buf), flags | PCI_LOOKUP_VENDOR, vendor));
	ret->device = g_strdup(pci_lookup_name(access->pci, buf, sizeof(buf),
					       flags | PCI_LOOKUP_DEVICE, vendor, device));
}

struct name_question {
	struct spci_access *access;
	uint16_t vendor;
	uint16_t device;
	struct names *names;
};

static int call_names(struct pci_access *pci, void *arg)
{
	struct name_question *question = arg;

	look_up(question->access, question->vendor, question->device, question->names);
	return 0;
}

/*
 * pci.ids has 1.3 MB and takes some 10 ms to read, and names never change: what was looked up once
 * stays. As many entries as there are models of NICs in the host.
 */
void spci_access_names(struct spci_access *access, uint16_t vendor, uint16_t device,
		       const char **ret_vendor, const char **ret_device)
{
	static GMutex lock;
	static GHashTable *known;
	gpointer key = GUINT_TO_POINTER((guint)vendor << 16 | device);
	struct names *names;

	g_mutex_lock(&lock);
	if (!known)
		known = g_hash_table_new(NULL, NULL);
	names = g_hash_table_lookup(known, key);
	if (!names) {
		struct name_question question = { access, vendor, device, NULL };

		names = g_new0(struct names, 1);
		question.names = names;
		guarded(access->pci, call_names, &question);
		g_hash_table_insert(known, key, names);
	}
	g_mutex_unlock(&lock);
	*ret_vendor = names->vendor;
	*ret_device = names->device;
}
