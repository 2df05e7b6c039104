#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>

// What OpenSSL has as macros only.

static inline void sluice_ssl_context_limit(SSL_CTX *context, int leastVersion) {
    SSL_CTX_set_min_proto_version(context, leastVersion);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
}

static inline int sluice_ssl_context_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add0_chain_cert(context, certificate);
}

static inline void sluice_bio_want_more(BIO *bio) {
    BIO_set_retry_read(bio);
}

static inline void sluice_bio_clear_retry(BIO *bio) {
    BIO_clear_retry_flags(bio);
}

// Whether the last error says that a PEM text has no further object.
static inline int sluice_err_is_no_start_line(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static inline int sluice_err_library(unsigned long error) { return ERR_GET_LIB(error); }
static inline int sluice_err_reason(unsigned long error) { return ERR_GET_REASON(error); }

static const unsigned long sluice_name_one_line = XN_FLAG_ONELINE;
static const unsigned long sluice_name_rfc2253 = XN_FLAG_RFC2253;

static inline void sluice_ssl_context_refuse_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
}

static inline void sluice_ssl_set_server_name(SSL *connection, const char *name) {
    SSL_set_tlsext_host_name(connection, name);
}

static inline void sluice_ssl_context_limit_most(SSL_CTX *context, int mostVersion) {
    SSL_CTX_set_max_proto_version(context, mostVersion);
}

static inline void sluice_ssl_context_set_data(SSL_CTX *context, void *data) { SSL_CTX_set_app_data(context, data); }
static inline void *sluice_ssl_context_data(const SSL_CTX *context) { return SSL_CTX_get_app_data(context); }
static inline void sluice_openssl_free(void *memory) { OPENSSL_free(memory); }

// The names beside a certificate's subject; the caller's to free. NULL when there are none.
static inline GENERAL_NAMES *sluice_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int sluice_alternative_name_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline void sluice_alternative_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

// The kind of one of them (GEN_DNS, GEN_EMAIL, GEN_URI, GEN_IPADD) and its bytes; -1 for every other kind.
static inline int sluice_alternative_name(const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
    int kind = -1;
    const ASN1_STRING *text = (const ASN1_STRING *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &kind);
    if (kind != GEN_DNS && kind != GEN_EMAIL && kind != GEN_URI && kind != GEN_IPADD) return -1;
    *bytes = ASN1_STRING_get0_data(text);
    *count = ASN1_STRING_length(text);
    return kind;
}
