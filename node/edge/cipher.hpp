#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "node/core/limits.hpp"
#include "node/core/outbox.hpp"
#include "node/core/slab.hpp"

namespace tulle::node {

/// The encryption of a connection: the layer between the socket and everything above. A plain connection has no Cipher.
///
/// Bytes for the peer wait as plain text in the outbox of their connection. seal() turns the next of them into
/// encrypted bytes, which wait in sealed() until the kernel takes them. The same writers write both kinds of outbox.
///
/// Thread: the reactor's. The arena of the reactor must outlive the cipher.
/// Limits: seal() makes at most kTlsSealBytes at a time,
///         and only when everything sealed before is with the kernel.
///         So a client that takes nothing is judged by the outbox of its connection.
/// Errors: after an error every function reports the connection as broken. Nothing is thrown except std::bad_alloc.
class Cipher {
public:
    Cipher() = default;
    Cipher(const Cipher&) = delete;
    Cipher& operator=(const Cipher&) = delete;
    virtual ~Cipher() = default;

    /// The state of the handshake after a step.
    enum class Step : std::uint8_t {
        /// The connection may be used.
        kDone,
        /// The peer has to send more.
        kBlocked,
        /// The peer has closed the connection.
        kLeft,
        /// The peer does not speak the protocol, or asks for what the node refuses.
        kFailed
    };
    /// Goes on with the handshake, as far as the bytes in the socket allow. Bytes for the peer are in sealed()
    /// afterwards, also after kFailed.
    [[nodiscard]] virtual Step handshake() = 0;
    /// The reason of kFailed in words, for the log.
    [[nodiscard]] virtual std::string_view failure() const = 0;
    /// True when the handshake has taken up an earlier session.
    [[nodiscard]] virtual bool is_resumed() const = 0;

    enum class Read : std::uint8_t { kBytes, kBlocked, kEnd, kBroken };
    /// Reads from the socket without waiting, and decrypts into `into`. kBytes: `bytes` is the number of bytes, at
    /// least one. kBlocked: nothing has come, or a part of a record. kEnd: the peer has ended its direction.
    [[nodiscard]] virtual Read read(std::span<char> into, std::size_t& bytes) = 0;
    /// True when a further read() may give bytes although the socket holds none.
    [[nodiscard]] virtual bool has_unread() const = 0;

    /// Seals the first bytes of `plain`, and takes them out of `plain`. Does nothing while sealed() holds bytes. False:
    /// the connection is broken.
    [[nodiscard]] virtual bool seal(Outbox& plain) = 0;
    /// Seals the first bytes of `plain`; returns their number, 0 while sealed() holds bytes. `broken` is set when the
    /// connection is broken.
    [[nodiscard]] virtual std::size_t seal(std::string_view plain, bool& broken) = 0;
    /// Seals the word that ends our direction, unless the connection is broken or the word has been sealed before.
    virtual void seal_end() = 0;
    /// The socket has been closed: its descriptor is not used any more.
    virtual void detach() = 0;

    /// The encrypted bytes that the kernel has not taken.
    [[nodiscard]] Outbox& sealed() { return sealed_; }
    [[nodiscard]] const Outbox& sealed() const { return sealed_; }

private:
    /// The outbox takes what is sealed whatever its limit; the time to take the bytes is that of the connection
    /// (Outbox::limit_by).
    static constexpr OutboxLimits kLimits{kMaxOutboxBytes, kWriteTimeout};

    Outbox sealed_{kLimits};
};

/// Makes the cipher of a new connection with the descriptor `socket`. The encrypted bytes are kept in `arena`. Null or
/// std::bad_alloc: there is no memory. Any thread; the cipher belongs to the thread of the arena.
using MakeCipher = std::function<std::unique_ptr<Cipher>(int socket, SlabArena& arena)>;

}  // namespace tulle::node
