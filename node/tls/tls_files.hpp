#pragma once

#include <string>

namespace tulle::node {

/// The files of the certificates that a node shows to its clients.
struct TlsFiles {
    /// The certificate for clients that name no server, or none that the node knows, with the certificates of its
    /// issuers behind. PEM.
    std::string certificate;
    /// The key of `certificate`. PEM, not encrypted. May be the same file.
    std::string key;
    /// A directory of further certificates, NAME.crt and NAME.key; empty for none. The names that a certificate is
    /// chosen by stand in the certificate.
    std::string directory;

    /// True when there is something to listen with.
    [[nodiscard]] bool is_set() const { return !certificate.empty(); }
    friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

}  // namespace tulle::node
