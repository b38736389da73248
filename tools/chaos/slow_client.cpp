#include "tools/chaos/slow_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tulle::chaos {
namespace {

/// How long the node may take to answer the upgrade.
constexpr int kAnswerPatienceMs = 1'000;
/// The payload of a WebSocket frame with a length of seven bits. All subscriptions of a run are shorter.
constexpr std::size_t kSmallFrame = 125;

}  // namespace

SlowClient::SlowClient(const std::string& listen, const std::string& app_key,
                       const std::vector<std::string>& channels) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int small = 1;
    // The kernel raises the size to the system's minimum. The node's send buffer thus fills early.
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const std::size_t colon = listen.rfind(':');
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(listen.substr(colon + 1))));
    ::inet_pton(AF_INET, listen.substr(0, colon).c_str(), &address.sin_addr);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return;
    }
    const std::string request = "GET /app/" + app_key + "?protocol=7 HTTP/1.1\r\nHost: " + listen +
                                "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    [[maybe_unused]] ssize_t done = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    pollfd answer{fd_, POLLIN, 0};
    std::array<char, 512> ignored{};
    // The answer to the upgrade, and perhaps connection_established, are the last bytes read.
    if (::poll(&answer, 1, kAnswerPatienceMs) == 1) {
        done = ::recv(fd_, ignored.data(), ignored.size(), 0);
        for (const std::string& channel : channels) {
            send_text(R"({"event":"pusher:subscribe","data":{"channel":")" + channel + R"("}})");
        }
    }
}

SlowClient::~SlowClient() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

// A client must mask frames; a mask of zeros is a valid mask and leaves the text as written.
void SlowClient::send_text(const std::string& text) const {
    std::string frame{'\x81', static_cast<char>(0x80 | std::min(text.size(), kSmallFrame)), '\0', '\0', '\0', '\0'};
    frame += text.substr(0, kSmallFrame);
    [[maybe_unused]] const ssize_t done = ::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL);
}

}  // namespace tulle::chaos
