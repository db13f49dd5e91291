/* What surrounds the tables: a driver that registers with the network module registrar, or a DLL
 * that exports the metadata table. Included by each image's source, after `metadata`.
 */
#pragma once

#ifdef AS_DLL

__declspec(dllexport) const struct metadata *get_metadata_table(void) { return &metadata; }
int entry(void *module, u32 reason, void *reserved) { return 1; }

#else

__declspec(dllimport) int NmrRegisterClient(const void *, void *, void **);
__declspec(dllimport) int NmrDeregisterClient(void *);
__declspec(dllimport) int NmrClientAttachProvider(void *, void *, const void *, void **, void **);
__declspec(dllimport) int RtlQueryRegistryValues(u32, const u16 *, void *, void *, void *);

static struct guid npi = {0xc847aac8, 0xa6f2, 0x4b53, {0xae, 0xa3, 0xf4, 0xa9, 0x4b, 0x9a, 0x80, 0xcb}};
static struct { u16 size, pad; u32 kind; struct guid id; } module_id = {24, 0, 1, {0}};
static void *client, *provider;

static int attach(void *binding, void *context, const void *instance)
{
    void *ignored;
    return NmrClientAttachProvider(binding, context, &metadata, &ignored, &provider);
}

static int detach(void *context) { return 0; }

static const struct {
    u16 version, size;
    int (*attach)(void *, void *, const void *);
    int (*detach)(void *);
    void *cleanup;
    u16 instance_version, instance_size;
    const void *npi, *module;
    u32 number;
    void *specific;
} client_characteristics = {0, 72, attach, detach, 0, 0, 40, &npi, &module_id, 0, 0};

static void unload(void *driver) { NmrDeregisterClient(client); }

int entry(void *driver, void *path)
{
    int status = RtlQueryRegistryValues(0, *(u16 **)((u8 *)path + 8), &module_id, 0, 0);
    if (status >= 0)
        status = NmrRegisterClient(&client_characteristics, 0, &client);
    ((void **)driver)[13] = (void *)unload;
    return status;
}

#endif
