#include "node/edge/socket.hpp"

#include "node/edge/outbox_writer.hpp"

namespace tulle::node {
namespace {

// A peer that asks for answers of the cipher's own (new keys) and never reads them is broken off beyond this many
// bytes.
constexpr std::size_t kMaxSealedAnswers = 64u << 10;

}  // namespace

std::size_t Socket::read_secured(std::span<char> into, boost::system::error_code& error) {
    error = {};
    if (into.empty()) {
        return 0;
    }
    std::size_t bytes = 0;
    const Cipher::Read result = cipher_->read(into, bytes);
    // A read may make bytes for the peer: an alert, or new keys. The bytes leave now or with the next write.
    if (!cipher_->sealed().empty()) {
        const Written written = write_outbox(native_handle(), cipher_->sealed());
        if (written == Written::kBroken || cipher_->sealed().bytes() > kTlsSealBytes + kMaxSealedAnswers) {
            error = boost::asio::error::connection_reset;
            return 0;
        }
    }
    switch (result) {
        case Cipher::Read::kBytes:
            return bytes;
        case Cipher::Read::kBlocked:
            error = boost::asio::error::would_block;
            return 0;
        case Cipher::Read::kEnd:
            error = boost::asio::error::eof;
            return 0;
        case Cipher::Read::kBroken:
            break;
    }
    error = boost::asio::error::connection_reset;
    return 0;
}

std::size_t Socket::write_secured(std::string_view bytes, boost::system::error_code& error) {
    error = {};
    bool is_broken = false;
    const std::size_t taken = cipher_->seal(bytes, is_broken);
    const Written written = is_broken ? Written::kBroken : write_outbox(native_handle(), cipher_->sealed());
    if (written == Written::kBlocked) {
        error = boost::asio::error::would_block;
    } else if (written == Written::kBroken) {
        error = boost::asio::error::connection_reset;
    }
    return taken;
}

void Socket::say_end() {
    if (cipher_ != nullptr && is_open()) {
        cipher_->seal_end();
        [[maybe_unused]] const Written ignored = write_outbox(native_handle(), cipher_->sealed());
    }
}

void Socket::close(boost::system::error_code& error) {
    if (cipher_ != nullptr) {
        say_end();
        cipher_->detach();
    }
    TcpSocket::close(error);
}

void Socket::close() {
    boost::system::error_code ignored;
    close(ignored);
}

}  // namespace tulle::node
