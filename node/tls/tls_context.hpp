#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/tls/openssl_ptr.hpp"
#include "node/tls/ticket_keys.hpp"
#include "node/tls/tls_files.hpp"

namespace tulle::node {

/// What a node shows to its TLS clients: its certificates, the versions and ciphers, and the keys of tickets. A reload
/// makes another context; connections keep the context that they began with.
///
/// Versions: TLS 1.2 and 1.3, without renegotiation and compression. ALPN: http/1.1; a client that offers ALPN without
/// http/1.1 is refused (RFC 7301, 3.2).
/// Thread: made by one thread; afterwards used by any.
class TlsContext {
public:
    /// Reads all files. `now`: seconds since 1970. Throws TlsError for the first file that cannot be used.
    TlsContext(const TlsFiles& files, std::shared_ptr<const TicketKeys> tickets, std::int64_t now);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    /// A connection's state, for the side of the server. Null when there is no memory.
    [[nodiscard]] SslPtr make() const { return SslPtr(SSL_new(certificates_.front().get())); }
    /// The earliest end of the validity of a certificate, in seconds since 1970.
    [[nodiscard]] std::int64_t not_after() const { return not_after_; }
    /// The number of certificates.
    [[nodiscard]] std::size_t size() const { return certificates_.size(); }
    /// A text that differs from that of every context with other certificates.
    [[nodiscard]] const std::string& identity() const { return identity_; }
    /// What is strange about the files, in words.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
    /// The position of the certificate for the server's `name`; 0, the first, when the name is unknown. An exact name
    /// comes before a wildcard, which stands for a single label.
    [[nodiscard]] std::size_t find(std::string_view name) const;

private:
    /// Reads a pair of files and adds the certificate.
    void add(const std::string& certificate_file, const std::string& key_file, std::int64_t now);
    /// Adds the pairs of a directory, in the order of their names.
    void add_directory(const std::string& directory, std::int64_t now);
    /// Sets everything but the certificate.
    void set_up(SSL_CTX& context);

    // Called by OpenSSL, with this object as the argument, or as the application's data of the SSL_CTX.
    static int on_server_name(SSL* ssl, int* alert, void* context);
    static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                       unsigned int in_size, void* context);
    static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                         int is_new);

    const std::shared_ptr<const TicketKeys> tickets_;
    /// The first is the default.
    std::vector<SslContextPtr> certificates_;
    /// The position of the certificate for each name, wildcards as they stand in the certificate.
    std::map<std::string, std::size_t, std::less<>> names_;
    std::int64_t not_after_ = INT64_MAX;
    /// The digests of the certificates.
    std::string identity_;
    std::vector<std::string> warnings_;
};

}  // namespace tulle::node
