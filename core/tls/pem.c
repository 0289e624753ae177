// pem.c - certificates out of PEM texts, with nothing lost on the way.

#include "tls/pem.h"

#include "base/mem.h"
#include "tls/fault.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

static void append(struct pem_list *list, unsigned char *der, long n)
{
    list->block = xrealloc(list->block, (list->count + 1) * sizeof(*list->block));
    list->block[list->count++] = (struct pem_block){ der, (size_t)n };
}

static bool at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

// "TRUSTED CERTIFICATE" is refused on purpose: it carries trust settings of its own.
static bool is_certificate(const char *name)
{
    return strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
}

// How many blocks the text means to have. OpenSSL takes a misspelt first line for text between
// blocks; here that would lose a certificate without a word.
static unsigned count_begins(struct str text)
{
    static const struct str begin = { "-----BEGIN", 10 };
    unsigned count = 0;
    for (size_t at = str_find(text, '-', 0); at < text.n; at = str_find(text, '-', at + 1))
        if (str_starts(str_sub(text, at, text.n), begin)) {
            count++;
            at += begin.n - 1;
        }
    return count;
}

static err_t read_blocks(BIO *bio, struct pem_list *list, unsigned *number, char why[PEM_WHY])
{
    for (*number = 1;; ++*number) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long n = 0;
        fault_clear();
        if (PEM_read_bio(bio, &name, &header, &der, &n) != 1) {
            if (at_end()) {
                fault_clear();
                return NULL;
            }
            fault_explain(why, PEM_WHY, "block %u", *number);
            return &err_tls_setup;
        }
        bool wanted = is_certificate(name);
        if (wanted)
            append(list, der, n);
        else
            snprintf(why, PEM_WHY, "block %u: not a certificate but %.64s", *number, name);
        OPENSSL_free(name);
        OPENSSL_free(header);
        if (!wanted) {
            OPENSSL_clear_free(der, (size_t)n);
            return &err_tls_setup;
        }
    }
}

err_t pem_certificates(struct str text, struct pem_list *list, char why[PEM_WHY])
{
    why[0] = '\0';
    fault_clear();
    BIO *bio = text.n <= INT_MAX ? BIO_new_mem_buf(text.n ? text.p : "", (int)text.n) : NULL;
    if (!bio) {
        fault_explain(why, PEM_WHY, "text cannot be read");
        return &err_tls_setup;
    }
    unsigned number;
    err_t err = read_blocks(bio, list, &number, why);
    BIO_free(bio);
    if (err)
        return err;
    if (number == 1) {
        snprintf(why, PEM_WHY, "no certificate in it");
        return &err_tls_setup;
    }
    if (count_begins(text) != number - 1) {
        snprintf(why, PEM_WHY, "%u of %u blocks cannot be read", count_begins(text) - (number - 1),
                 count_begins(text));
        return &err_tls_setup;
    }
    return NULL;
}

void pem_free(struct pem_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        OPENSSL_free(list->block[i].der);
    free(list->block);
    *list = (struct pem_list){ 0 };
}

struct str pem_write(void *certs, size_t max)
{
    fault_clear();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    size_t end = 0;
    for (int i = 0; bio && i < sk_X509_num(certs); i++) {
        const bool ok = PEM_write_bio_X509(bio, sk_X509_value(certs, i)) == 1;
        const long n = BIO_get_mem_data(bio, &text);
        if (!ok || n <= 0 || (size_t)n > max)
            break;
        end = (size_t)n;
    }
    const struct str out = end > 0 ? (struct str){ xmemdup0(text, end), end } : STR_NONE;
    BIO_free(bio);
    fault_clear();
    return out;
}
