#include "node/tls/tls_cipher.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <vector>

#include <openssl/err.h>
#include <sys/socket.h>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

// The answer to a request in plain HTTP. The bytes leave unencrypted.
constexpr std::string_view kPlainAnswer =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 52\r\n\r\n"
    "this port speaks TLS: use https:// or wss:// for it\n";

// The most ranges of an outbox that are joined to a record.
constexpr std::size_t kMaxParts = 64;

/// The first bytes of `plain`, at most a record. Several ranges are copied together: a record for each would cost the
/// peer and the node more.
std::string_view next_record(const Outbox& plain) {
    if (plain.has_one_part() || plain.front().size() >= kTlsRecordBytes) {
        return plain.front().substr(0, kTlsRecordBytes);
    }
    static thread_local std::vector<std::string_view> parts;
    static thread_local std::array<char, kTlsRecordBytes> record;
    plain.gather(kMaxParts, parts);
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.copy(record.data() + size, record.size() - size);
    }
    return {record.data(), size};
}

}  // namespace

struct TlsCipher::Bio {
    static int read(BIO* bio, char* into, int size) {
        auto* me = static_cast<TlsCipher*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        for (;;) {
            const ssize_t got = ::recv(me->socket_, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
            if (got > 0) {
                return static_cast<int>(got);
            }
            if (got == 0) {
                me->has_peer_ended_ = true;
                return 0;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                BIO_set_retry_read(bio);
                return -1;
            }
            if (errno != EINTR) {
                me->has_peer_ended_ = true;
                return -1;
            }
        }
    }

    static int write(BIO* bio, const char* bytes, int size) {
        auto* me = static_cast<TlsCipher*>(BIO_get_data(bio));
        // An exception must not pass through OpenSSL.
        try {
            me->sealed().push_last(me->arena_.append({std::string_view(bytes, static_cast<std::size_t>(size))}));
            return size;
        } catch (const std::bad_alloc&) {
            me->is_broken_ = true;
            return -1;
        }
    }

    static long control(BIO* bio, int command, long, void*) {
        if (command == BIO_CTRL_EOF) {
            return static_cast<const TlsCipher*>(BIO_get_data(bio))->has_peer_ended_ ? 1 : 0;
        }
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    /// The functions above as OpenSSL wants them. Made once, and never freed.
    static const BIO_METHOD* method() {
        static const BIO_METHOD* const made = [] {
            BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tulle");
            TULLE_ASSERT(method != nullptr);
            BIO_meth_set_read(method, &Bio::read);
            BIO_meth_set_write(method, &Bio::write);
            BIO_meth_set_ctrl(method, &Bio::control);
            return method;
        }();
        return made;
    }
};

TlsCipher::TlsCipher(std::shared_ptr<const TlsContext> context, int socket, SlabArena& arena)
    : context_(std::move(context)), ssl_(context_->make()), socket_(socket), arena_(arena) {
    BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(Bio::method());
    if (bio == nullptr) {
        throw std::bad_alloc();
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
}

TlsCipher::~TlsCipher() = default;

Cipher::Step TlsCipher::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
        is_handshake_done_ = true;
        has_unread_ = SSL_has_pending(ssl_.get()) == 1;
        return Step::kDone;
    }
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) {
        return Step::kBlocked;
    }
    is_broken_ = true;
    if (has_peer_ended_ || error != SSL_ERROR_SSL) {
        ERR_clear_error();
        return Step::kLeft;
    }
    fail();
    return Step::kFailed;
}

void TlsCipher::fail() {
    const unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST) {
        sealed().clear();
        sealed().push_last(arena_.append({kPlainAnswer}));
    }
    const char* const reason = ERR_reason_error_string(error);
    failure_ = reason == nullptr ? "unknown reason" : reason;
    ERR_clear_error();
}

bool TlsCipher::is_resumed() const {
    return SSL_session_reused(ssl_.get()) == 1;
}

Cipher::Read TlsCipher::read(std::span<char> into, std::size_t& bytes) {
    if (is_broken_ || socket_ < 0) {
        has_unread_ = false;
        return Read::kBroken;
    }
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes) == 1) {
        has_unread_ = SSL_has_pending(ssl_.get()) == 1;
        return Read::kBytes;
    }
    has_unread_ = false;
    const int error = SSL_get_error(ssl_.get(), 0);
    if (error == SSL_ERROR_WANT_READ) {
        return Read::kBlocked;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return Read::kEnd;
    }
    ERR_clear_error();
    is_broken_ = true;
    return Read::kBroken;
}

bool TlsCipher::seal_record(std::string_view plain) {
    ERR_clear_error();
    std::size_t written = 0;
    // Never partial: sealed() takes everything, and a record holds the bytes.
    if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) != 1 || written != plain.size()) {
        ERR_clear_error();
        is_broken_ = true;
    }
    return !is_broken_;
}

bool TlsCipher::seal(Outbox& plain) {
    if (is_broken_) {
        return false;
    }
    if (!sealed().empty()) {
        return true;
    }
    for (std::size_t bytes = 0; bytes < kTlsSealBytes && !plain.empty();) {
        const std::string_view record = next_record(plain);
        if (!seal_record(record)) {
            return false;
        }
        bytes += record.size();
        plain.on_sent(record.size());
    }
    return true;
}

std::size_t TlsCipher::seal(std::string_view plain, bool& broken) {
    broken = is_broken_;
    std::size_t bytes = 0;
    const bool may_seal = sealed().empty();
    while (may_seal && !broken && bytes < std::min(plain.size(), kTlsSealBytes)) {
        const std::string_view record = plain.substr(bytes, kTlsRecordBytes);
        broken = !seal_record(record);
        bytes += record.size();
    }
    return bytes;
}

void TlsCipher::seal_end() {
    if (is_handshake_done_ && !is_broken_ && !has_said_end_) {
        has_said_end_ = true;
        ERR_clear_error();
        // The result does not count: the peer's own word is not waited for.
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
}

}  // namespace tulle::node
