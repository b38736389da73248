#include "tests/unit/node/pusher/edge/shard_fixture.hpp"

#include <array>
#include <chrono>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace tulle::node::testing {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::string_view kHandshake =
    " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

}  // namespace

void HubProbe::wake() {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
    woken_.notify_one();
}

std::optional<mesh::ToHub> HubProbe::next_message() {
    while (taken_.empty()) {
        std::vector<mesh::FromShard> items;
        box_.take_all(items);
        taken_.insert(taken_.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
        if (taken_.empty()) {
            std::unique_lock lock(mutex_);
            if (!woken_.wait_for(lock, kPatience, [this] { return is_woken_; })) {
                return std::nullopt;
            }
            is_woken_ = false;
        }
    }
    mesh::ToHub message = std::move(taken_.front().second);
    taken_.pop_front();
    return message;
}

PusherShard::PusherShard(PusherOptions options, mesh::HubMailbox& hub, const ShardOptions& of_shard)
    : shard_(of_shard) {
    port_ = &shard_.add(mesh::ShardIndex(0), hub, [&](const EdgeContext& context) {
        auto edge = std::make_unique<PusherEdge>(context, std::move(options));
        edge_ = edge.get();
        return edge;
    });
}

void PusherShard::set_apps(AppTable apps) {
    shard_.post([this, apps = std::move(apps)] { edge_->set_apps(apps); });
}

RawClient::RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{kPatience.count(), 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        ::close(socket_);
        socket_ = -1;
    }
}

RawClient::~RawClient() {
    if (socket_ >= 0) {
        ::close(socket_);
    }
}

void RawClient::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

bool RawClient::fill() {
    std::array<char, 65536> bytes{};
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) {
        return false;
    }
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
}

bool RawClient::need(std::size_t bytes) {
    while (buffer_.size() < bytes) {
        if (!fill()) {
            return false;
        }
    }
    return true;
}

std::string RawClient::take(std::size_t bytes) {
    std::string taken = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return taken;
}

std::string RawClient::read_line() {
    while (buffer_.find('\n') == std::string::npos) {
        if (!fill()) {
            return {};
        }
    }
    std::string line = take(buffer_.find('\n') + 1);
    line.pop_back();
    return line;
}

unsigned RawClient::read_status() {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
        if (!fill()) {
            return 0;
        }
    }
    const std::string head = take(buffer_.find("\r\n\r\n") + 4);
    const std::size_t length = head.find("Content-Length: ");
    if (length != std::string::npos) {
        const auto body = static_cast<std::size_t>(std::atol(head.c_str() + length + 16));
        if (need(body)) {
            take(body);
        }
    }
    return static_cast<unsigned>(std::atoi(head.c_str() + head.find(' ')));
}

unsigned RawClient::upgrade(std::string_view target, std::string_view fields) {
    write("GET " + std::string(target) + std::string(kHandshake) + std::string(fields) + "\r\n");
    const unsigned status = read_status();
    if (status == 101) {
        constexpr std::string_view kKey = "socket_id\\\":\\\"";
        const std::string greeting = read_text();
        const std::size_t begin = greeting.find(kKey);
        if (begin != std::string::npos) {
            socket_id_ =
                greeting.substr(begin + kKey.size(), greeting.find('\\', begin + kKey.size()) - begin - kKey.size());
        }
    }
    return status;
}

/// Masked with zeros, which leaves the text as it is.
void RawClient::write_text(std::string_view text) const {
    std::string frame = "\x81";
    if (text.size() < 126) {
        frame.push_back(static_cast<char>(0x80 | text.size()));
    } else {
        frame.push_back(static_cast<char>(0xfe));
        frame.push_back(static_cast<char>(text.size() >> 8));
        frame.push_back(static_cast<char>(text.size() & 0xff));
    }
    frame.append(4, '\0');
    frame.append(text);
    write(frame);
}

std::string RawClient::read_text() {
    if (!need(2)) {
        return {};
    }
    const std::string start = take(2);
    std::size_t size = static_cast<unsigned char>(start[1]);
    if (size >= 126) {
        const std::size_t count = size == 126 ? 2 : 8;
        if (!need(count)) {
            return {};
        }
        size = 0;
        for (const char byte : take(count)) {
            size = (size << 8) | static_cast<unsigned char>(byte);
        }
    }
    if (!need(size)) {
        return {};
    }
    std::string payload = take(size);
    if ((start[0] & 0x0f) == 8) {
        const auto high = static_cast<unsigned char>(payload[0]);
        return "close " + std::to_string(high * 256 + static_cast<unsigned char>(payload[1]));
    }
    return payload;
}

std::string RawClient::read_close() {
    while (need(2)) {
        std::string frame = read_text();
        if (frame.starts_with("close ")) {
            return frame;
        }
    }
    return {};
}

}  // namespace tulle::node::testing
