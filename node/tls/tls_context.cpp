#include "node/tls/tls_context.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"
#include "node/tls/certificate.hpp"
#include "node/tls/tls_error.hpp"

namespace tulle::node {
namespace {

// For TLS 1.2: forward secrecy and authenticated encryption alone ("intermediate" of Mozilla, without DHE). TLS 1.3 has
// no other ciphers.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// The cheapest first, whatever the client prefers: each is strong enough for any client. A client without AES in its
// processor, which puts ChaCha20 first, gets ChaCha20.
constexpr const char* kCiphersOf13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// As long as a ticket can be opened (TicketKeys): a day.
constexpr long kSessionSeconds = 86'400;
constexpr std::int64_t kSecondsPerDay = 86'400;
// "http/1.1", with its length in front (RFC 7301, 3.1).
constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr unsigned char kSessionScope[] = {'t', 'u', 'l', 'l', 'e'};
// Certificates of a directory. Each takes some 30 KB, and a larger number is a wrong directory.
constexpr std::size_t kMaxCertificates = 10'000;

std::int64_t today() {
    return std::chrono::duration_cast<std::chrono::seconds>(wall_now().time_since_epoch()).count() / kSecondsPerDay;
}

void require(bool is_done, const std::string& what) {
    if (!is_done) {
        throw TlsError(what + ": " + openssl_reason());
    }
}

/// The name of the file without its ending, and "" for a file with another ending.
std::string stem_of(const std::filesystem::path& path, std::string_view ending) {
    return path.extension() == ending ? path.stem().string() : std::string();
}

}  // namespace

TlsContext::TlsContext(const TlsFiles& files, std::shared_ptr<const TicketKeys> tickets, std::int64_t now)
    : tickets_(std::move(tickets)) {
    add(files.certificate, files.key, now);
    if (!files.directory.empty()) {
        add_directory(files.directory, now);
    }
}

TlsContext::~TlsContext() = default;

void TlsContext::add(const std::string& certificate_file, const std::string& key_file, std::int64_t now) {
    Certificate certificate = read_certificate(certificate_file, key_file, now);
    SslContextPtr context(SSL_CTX_new(TLS_server_method()));
    require(context != nullptr, certificate_file);
    set_up(*context);
    require(SSL_CTX_use_certificate(context.get(), certificate.leaf.get()) == 1, certificate_file);
    for (const X509Ptr& issuer : certificate.issuers) {
        require(SSL_CTX_add1_chain_cert(context.get(), issuer.get()) == 1, certificate_file);
    }
    require(SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()) == 1, key_file);
    if (!certificate.warning.empty()) {
        warnings_.push_back(std::move(certificate.warning));
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    require(X509_digest(certificate.leaf.get(), EVP_sha256(), digest.data(), &size) == 1, certificate_file);
    identity_.append(reinterpret_cast<const char*>(digest.data()), size);
    not_after_ = std::min(not_after_, certificate.not_after);
    certificates_.push_back(std::move(context));
    for (std::string& name : certificate.names) {
        // The default certificate, and then the first file, wins.
        const auto [known, is_new] = names_.emplace(std::move(name), certificates_.size() - 1);
        if (!is_new && known->second + 1 != certificates_.size() && known->second != 0) {
            warnings_.push_back(certificate_file + ": " + known->first + " has a certificate in another file already");
        }
    }
}

void TlsContext::add_directory(const std::string& directory, std::int64_t now) {
    std::set<std::string> pairs;
    std::set<std::string> keys;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
        // Names with a dot in front are those of editors and of Kubernetes.
        const std::filesystem::path path = at->path();
        if (path.filename().string().starts_with('.')) {
            continue;
        }
        if (const std::string stem = stem_of(path, ".crt"); !stem.empty()) {
            pairs.insert(stem);
        } else if (const std::string key = stem_of(path, ".key"); !key.empty()) {
            keys.insert(key);
        }
    }
    if (error) {
        throw TlsError(directory + ": cannot be read: " + error.message());
    }
    if (pairs.size() > kMaxCertificates) {
        throw TlsError(directory + ": holds more than " + std::to_string(kMaxCertificates) + " certificates");
    }
    for (const std::string& pair : pairs) {
        const std::string path = (std::filesystem::path(directory) / pair).string();
        add(path + ".crt", path + ".key", now);
        keys.erase(pair);
    }
    if (!keys.empty()) {
        throw TlsError((std::filesystem::path(directory) / *keys.begin()).string() +
                       ".key: there is no certificate for this key (a file of the same name with .crt at its end)");
    }
}

void TlsContext::set_up(SSL_CTX& context) {
    require(SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(&context, kCiphers) == 1 &&
                SSL_CTX_set_ciphersuites(&context, kCiphersOf13) == 1,
            "TLS cannot be set up");
    // A peer that just closes its socket has ended its direction: HTTP and WebSockets know where a message ends.
    SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection holds no buffers.
    SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
    // A read takes what the socket holds with one system call, instead of one for each header and body of a record.
    SSL_CTX_set_read_ahead(&context, 1);
    // Sessions are in the tickets alone: a node keeps none, and any node can take them up.
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(&context, kSessionSeconds);
    SSL_CTX_set_num_tickets(&context, 1);
    require(SSL_CTX_set_session_id_context(&context, kSessionScope, sizeof kSessionScope) == 1, "TLS cannot be set up");
    SSL_CTX_set_app_data(&context, this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, &TlsContext::on_ticket);
    // The macro of OpenSSL for this call has a cast of C.
    SSL_CTX_callback_ctrl(&context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(&TlsContext::on_server_name));
    SSL_CTX_set_tlsext_servername_arg(&context, this);
    SSL_CTX_set_alpn_select_cb(&context, &TlsContext::on_alpn, nullptr);
}

std::size_t TlsContext::find(std::string_view name) const {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    // A name may end with the dot of the root.
    if (lower.ends_with('.')) {
        lower.pop_back();
    }
    if (const auto exact = names_.find(lower); exact != names_.end()) {
        return exact->second;
    }
    const std::size_t dot = lower.find('.');
    if (dot != std::string::npos && dot > 0) {
        if (const auto wildcard = names_.find("*" + lower.substr(dot)); wildcard != names_.end()) {
            return wildcard->second;
        }
    }
    return 0;
}

int TlsContext::on_server_name(SSL* ssl, int*, void* context) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    // An exception must not pass through OpenSSL: without memory the default certificate is shown.
    try {
        const auto* me = static_cast<const TlsContext*>(context);
        if (const std::size_t at = me->find(name); at != 0) {
            SSL_set_SSL_CTX(ssl, me->certificates_[at].get());
        }
        return SSL_TLSEXT_ERR_OK;
    } catch (const std::bad_alloc&) {
        return SSL_TLSEXT_ERR_NOACK;
    }
}

int TlsContext::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                        unsigned int in_size, void*) {
    // OpenSSL returns a pointer into the first list; the cast is for its old signature.
    unsigned char* chosen = nullptr;
    const int result = SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn, in, in_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int TlsContext::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                          int is_new) {
    // The results, as OpenSSL defines them.
    constexpr int kFailed = -1;
    constexpr int kUnknown = 0;
    constexpr int kGood = 1;
    constexpr int kRenew = 2;
    try {
        const auto* me = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
        const std::int64_t day = today();
        TicketKey key = me->tickets_->key_of(day);
        int result = kGood;
        if (is_new != 0) {
            if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) {
                return kFailed;
            }
            std::copy(key.name.begin(), key.name.end(), name);
        } else {
            const std::optional<TicketKey> found =
                me->tickets_->find({reinterpret_cast<const char*>(name), key.name.size()}, day);
            if (!found) {
                return kUnknown;
            }
            // A client of TLS 1.3 uses a ticket once (RFC 8446, C.4), so it gets another with each resumption.
            result = *found == key && SSL_version(ssl) < TLS1_3_VERSION ? kGood : kRenew;
            key = *found;
        }
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
        const bool is_ready =
            EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, is_new) == 1 &&
            EVP_MAC_CTX_set_params(mac, parameters) == 1;
        return is_ready ? result : kFailed;
    } catch (const std::bad_alloc&) {
        return kFailed;
    }
}

}  // namespace tulle::node
