#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/tls/openssl_ptr.hpp"

namespace tulle::node {

/// A certificate with its key and the certificates of its issuers, as read from files.
struct Certificate {
    X509Ptr leaf;
    std::vector<X509Ptr> issuers;
    KeyPtr key;
    /// The names of servers that the certificate is for, in lower case, "*.example.org" among them.
    std::vector<std::string> names;
    /// The end of the validity, in seconds since 1970.
    std::int64_t not_after = 0;
    /// What is strange about the certificate, in words with the name of the file; empty for nothing. The certificate is
    /// used all the same.
    std::string warning;
};

/// Bytes that a file of certificates or a key may have. A larger file is no such file.
inline constexpr std::size_t kMaxPemBytes = 1u << 20;

/// Reads a certificate and its key. `now`: seconds since 1970, for the warning about the validity.
/// Errors: throws TlsError with the file and the reason: the file cannot be read, holds no certificate or key, the key
/// can be read by every user of the machine, is encrypted, or does not belong to the certificate.
[[nodiscard]] Certificate read_certificate(const std::string& certificate_file, const std::string& key_file,
                                           std::int64_t now);

/// The present reason of OpenSSL for a failure, in words. Clears OpenSSL's list of errors.
[[nodiscard]] std::string openssl_reason();

}  // namespace tulle::node
