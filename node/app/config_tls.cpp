#include "node/app/config_tls.hpp"

#include <memory>

#include "node/tls/tls_error.hpp"
#include "node/tls/tls_server.hpp"

namespace tulle::node {

void check_tls(const Config& config) {
    if (config.tls_listen) {
        for (const auto& [key, value] :
             {std::pair("tls_cert_file", &config.tls.certificate), std::pair("tls_key_file", &config.tls.key)}) {
            if (value->empty()) {
                throw ConfigError(std::string("tls_listen needs ") + key + ": name the file (PEM) that clients on " +
                                  to_string(*config.tls_listen) + " are to be shown");
            }
        }
    } else if (!(config.tls == TlsFiles{}) || config.tls_proxy_protocol) {
        throw ConfigError(
            "tls_cert_file, tls_key_file, tls_dir and tls_proxy_protocol do nothing without tls_listen: say with"
            " tls_listen (--tls-listen HOST:PORT) where clients that encrypt connect to");
    }
}

std::vector<std::string> check_tls_files(const Config& config) {
    if (!config.tls_listen) {
        return {};
    }
    try {
        return TlsServer(config.tls, {random_ticket_secret()}).warnings();
    } catch (const TlsError& error) {
        throw ConfigError(error.what());
    }
}

}  // namespace tulle::node
