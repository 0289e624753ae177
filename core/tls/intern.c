// intern.c - a weak table of objects by their digests.

#include "tls/intern.h"

static const unsigned char *digest_of(const struct intern *i, const void *object)
{
    return (const unsigned char *)object + i->digest_at;
}

static uint64_t hash_of(const unsigned char digest[DIGEST_SIZE])
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof(hash));
    return hash;
}

struct wanted {
    const struct intern *intern;
    const unsigned char *digest;
};

static bool same(const void *object, const void *key)
{
    const struct wanted *w = key;
    return memcmp(digest_of(w->intern, object), w->digest, DIGEST_SIZE) == 0;
}

static void *find_locked(struct intern *i, const unsigned char digest[DIGEST_SIZE])
{
    struct wanted w = { i, digest };
    void *object = table_get(&i->table, hash_of(digest), same, &w);
    if (object)
        intern_ref(object);
    return object;
}

void *intern_find(struct intern *i, const unsigned char digest[DIGEST_SIZE])
{
    pthread_mutex_lock(&i->mutex);
    void *object = find_locked(i, digest);
    pthread_mutex_unlock(&i->mutex);
    return object;
}

void *intern_add(struct intern *i, void *object)
{
    const unsigned char *digest = digest_of(i, object);
    pthread_mutex_lock(&i->mutex);
    void *known = find_locked(i, digest);
    if (!known) {
        __atomic_store_n((unsigned *)object, 1, __ATOMIC_RELAXED);
        table_put(&i->table, hash_of(digest), object);
    }
    pthread_mutex_unlock(&i->mutex);
    if (!known)
        return object;
    i->destroy(object);
    return known;
}

void intern_ref(void *object)
{
    __atomic_fetch_add((unsigned *)object, 1, __ATOMIC_RELAXED);
}

// Only the step from one to none needs the mutex: it keeps intern_find() from handing out an object
// that dies.
static bool drop_shared(unsigned *refs)
{
    unsigned seen = __atomic_load_n(refs, __ATOMIC_RELAXED);
    while (seen > 1)
        if (__atomic_compare_exchange_n(refs, &seen, seen - 1, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void intern_unref(struct intern *i, void *object)
{
    if (drop_shared(object))
        return;
    pthread_mutex_lock(&i->mutex);
    bool last = __atomic_sub_fetch((unsigned *)object, 1, __ATOMIC_ACQ_REL) == 0;
    if (last)
        table_remove(&i->table, hash_of(digest_of(i, object)), object);
    pthread_mutex_unlock(&i->mutex);
    if (last)
        i->destroy(object);
}

unsigned intern_count(struct intern *i)
{
    pthread_mutex_lock(&i->mutex);
    unsigned count = (unsigned)i->table.count;
    pthread_mutex_unlock(&i->mutex);
    return count;
}
