#include "client/io/server_trust.hpp"

#include <stdexcept>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

namespace tulle::client {
namespace {

namespace ssl = boost::asio::ssl;

/// True for an IPv4 or IPv6 address.
bool is_address(const std::string& host) {
    boost::system::error_code error;
    boost::asio::ip::make_address(host, error);
    return !error;
}

}  // namespace

ServerTrust::ServerTrust(const std::string& ca_file, std::string_view who) : context_(ssl::context::tls_client) {
    boost::system::error_code error;
    if (ca_file.empty()) {
        context_.set_default_verify_paths(error);
    } else {
        context_.load_verify_file(ca_file, error);
    }
    if (error) {
        throw std::invalid_argument(std::string(who) + ": no certificates (PEM) can be read from " +
                                    (ca_file.empty() ? "the system's store" : ca_file) + ": " + error.message());
    }
    context_.set_verify_mode(ssl::verify_peer);
    SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
    // A server that just closes its socket has ended its direction: HTTP and WebSockets know where a message ends.
    SSL_CTX_set_options(context_.native_handle(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context_.native_handle(), SSL_MODE_RELEASE_BUFFERS);
}

void expect_host(SSL* ssl, const std::string& host) {
    if (is_address(host)) {
        // A name of a server in the handshake is never an address (RFC 6066, 3).
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    } else {
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, host.c_str());
    }
}

std::string handshake_failure(const SSL* ssl, const std::string& host, const boost::system::error_code& error) {
    const long verdict = SSL_get_verify_result(ssl);
    switch (verdict) {
        case X509_V_OK:
            break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "the server's certificate is not for " + host;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return std::string("the server's certificate is not vouched for by an authority that is trusted here (") +
                   X509_verify_cert_error_string(verdict) + "): name the authority's certificate as the CA file";
        default:
            return std::string("the server's certificate is refused: ") + X509_verify_cert_error_string(verdict);
    }
    const bool is_other = error.category() == boost::asio::error::get_ssl_category() &&
                          (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER ||
                           ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_PACKET_LENGTH_TOO_LONG);
    return "no TLS handshake: " + error.message() + (is_other ? "; the server does not speak TLS on this port" : "");
}

}  // namespace tulle::client
