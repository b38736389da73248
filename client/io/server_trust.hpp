#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

namespace tulle::client {

/// What a client takes for the proof that a server is the one that it wants to reach over TLS: the certificate must be
/// valid, be vouched for by a trusted authority, and name the host of the URL. TLS 1.2 and later.
///
/// Thread: any, after the construction.
class ServerTrust {
public:
    /// Trusts the certificates in `ca_file` (PEM) alone; empty: those that the system trusts. Throws
    /// std::invalid_argument, which begins with `who`, for a file that cannot be used.
    ServerTrust(const std::string& ca_file, std::string_view who);

    [[nodiscard]] boost::asio::ssl::context& context() { return context_; }

private:
    boost::asio::ssl::context context_;
};

/// Has `ssl` ask for the server `host`, a name or an address, and accept only a certificate for that host.
void expect_host(SSL* ssl, const std::string& host);

/// The reason why the handshake of `ssl` has failed with `error`, with advice.
[[nodiscard]] std::string handshake_failure(const SSL* ssl, const std::string& host,
                                            const boost::system::error_code& error);

}  // namespace tulle::client
