#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "node/edge/cipher.hpp"
#include "node/tls/ticket_keys.hpp"
#include "node/tls/tls_context.hpp"
#include "node/tls/tls_files.hpp"

namespace tulle::node {

/// The TLS of a node: makes the ciphers of new connections, with the certificates of the last good reading.
///
/// Thread: any for make(); the others from one thread.
class TlsServer {
public:
    /// Reads the files. `tickets`: the secrets for session tickets (TicketKeys). Nodes with the same secret take up
    /// each other's sessions. Throws TlsError for files that cannot be used.
    TlsServer(const TlsFiles& files, TicketKeys::Secrets tickets);

    /// A cipher with the present certificates. Throws std::bad_alloc.
    [[nodiscard]] std::unique_ptr<Cipher> make(int socket, SlabArena& arena) const;

    /// Reads the files again. Handshakes that begin from here on use them; connections stay as they are. False: the
    /// certificates are those of before. Throws TlsError for files that cannot be used, and changes nothing then.
    bool reload(const TlsFiles& files);
    /// Takes other secrets for the tickets of handshakes that begin from here on. Call before reload, which makes them
    /// count.
    void set_ticket_secrets(TicketKeys::Secrets tickets);

    /// The earliest end of the validity of a present certificate, in seconds since 1970.
    [[nodiscard]] std::int64_t not_after() const { return context_.load()->not_after(); }
    /// The number of present certificates.
    [[nodiscard]] std::size_t size() const { return context_.load()->size(); }
    /// What is strange about the present files, in words.
    [[nodiscard]] std::vector<std::string> warnings() const { return context_.load()->warnings(); }

private:
    std::shared_ptr<const TicketKeys> tickets_;
    std::atomic<std::shared_ptr<const TlsContext>> context_;
};

/// A secret that no other process has: without a secret of the cluster sessions are taken up by their own node alone,
/// until the node restarts.
[[nodiscard]] TicketKeys::Secret random_ticket_secret();

}  // namespace tulle::node
