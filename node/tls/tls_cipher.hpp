#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "node/edge/cipher.hpp"
#include "node/tls/openssl_ptr.hpp"
#include "node/tls/tls_context.hpp"

namespace tulle::node {

/// TLS for the side of the server, by OpenSSL. OpenSSL reads from the socket through recv, and writes into sealed().
///
/// Thread, limits and errors: see Cipher.
class TlsCipher final : public Cipher {
public:
    /// Throws std::bad_alloc.
    TlsCipher(std::shared_ptr<const TlsContext> context, int socket, SlabArena& arena);
    ~TlsCipher() override;

    [[nodiscard]] Step handshake() override;
    [[nodiscard]] std::string_view failure() const override { return failure_; }
    [[nodiscard]] bool is_resumed() const override;
    [[nodiscard]] Read read(std::span<char> into, std::size_t& bytes) override;
    [[nodiscard]] bool has_unread() const override { return has_unread_; }
    [[nodiscard]] bool seal(Outbox& plain) override;
    [[nodiscard]] std::size_t seal(std::string_view plain, bool& broken) override;
    void seal_end() override;
    void detach() override { socket_ = -1; }

private:
    /// The functions that OpenSSL calls.
    struct Bio;

    /// Encrypts one record. False: the connection is broken.
    [[nodiscard]] bool seal_record(std::string_view plain);
    /// Notes the reason of a failed handshake. A peer that speaks plain HTTP gets an answer that a browser shows.
    void fail();

    const std::shared_ptr<const TlsContext> context_;
    SslPtr ssl_;
    /// -1 after detach().
    int socket_;
    /// OpenSSL has bytes that came with the last record.
    bool has_unread_ = false;
    /// The socket has been read to the end of the peer's direction.
    bool has_peer_ended_ = false;
    /// After an error that TLS cannot go on from.
    bool is_broken_ = false;
    bool is_handshake_done_ = false;
    bool has_said_end_ = false;
    SlabArena& arena_;
    /// A constant of OpenSSL's; empty unless the handshake has failed.
    std::string_view failure_;
};

}  // namespace tulle::node
