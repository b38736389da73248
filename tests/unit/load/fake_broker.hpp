#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tools/chaos/descriptor.hpp"

namespace tulle::load {

/// Speaks as much of the NATS protocol as is needed to be loaded: one subject, heard by all who subscribe. It can be
/// told to do wrong with one of the messages, by number from 1 on.
class FakeBroker {
public:
    struct Faults {
        std::uint64_t drop = 0;     ///< for its first subscriber
        std::uint64_t twice = 0;    ///< for all
        std::uint64_t hang_up = 0;  ///< at this message
        bool refuse = false;        ///< whoever connects
    };

    explicit FakeBroker(Faults faults)
        : faults_(faults), listener_(::socket(AF_INET, SOCK_STREAM, 0)), stop_(::eventfd(0, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size);
        ::listen(listener_.get(), 128);
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] { serve(); });
    }
    FakeBroker(const FakeBroker&) = delete;
    FakeBroker& operator=(const FakeBroker&) = delete;
    ~FakeBroker() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
        thread_.join();
    }

    [[nodiscard]] const std::string& address() const { return address_; }

private:
    struct Peer {
        chaos::Descriptor socket;
        std::string held;
        bool subscribed = false;
    };

    void serve() {
        for (;;) {
            std::vector<pollfd> watched{{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                                        {.fd = listener_.get(), .events = POLLIN, .revents = 0}};
            for (const Peer& peer : peers_) {
                watched.push_back({.fd = peer.socket.get(), .events = POLLIN, .revents = 0});
            }
            ::poll(watched.data(), watched.size(), -1);
            if (watched[0].revents != 0) {
                return;
            }
            for (std::size_t i = 2; i < watched.size(); ++i) {
                if (watched[i].revents != 0) {
                    read(peers_[i - 2]);
                }
            }
            if (watched[1].revents != 0) {
                peers_.push_back(
                    {.socket = chaos::Descriptor(::accept(listener_.get(), nullptr, nullptr)), .held = {}});
                say(peers_.back(), faults_.refuse ? "-ERR 'no'\r\n" : "INFO {}\r\n");
            }
        }
    }

    void read(Peer& peer) {
        std::string bytes(65'536, '\0');
        const ssize_t size = ::recv(peer.socket.get(), bytes.data(), bytes.size(), 0);
        if (size <= 0) {
            peer.socket = chaos::Descriptor();
            return;
        }
        peer.held.append(bytes, 0, static_cast<std::size_t>(size));
        for (std::size_t end = peer.held.find("\r\n"); end != std::string::npos; end = peer.held.find("\r\n")) {
            const std::string line = peer.held.substr(0, end);
            std::size_t used = end + 2;
            if (line.starts_with("PUB ")) {
                const std::size_t length = std::stoul(line.substr(line.rfind(' ')));
                if (peer.held.size() < used + length + 2) {
                    return;
                }
                publish("MSG bench-0 1 " + std::to_string(length) + "\r\n" + peer.held.substr(used, length + 2));
                used += length + 2;
            } else if (line.starts_with("SUB ")) {
                peer.subscribed = true;
            } else if (line == "PING") {
                say(peer, "PONG\r\n");
            }
            peer.held.erase(0, used);
        }
    }

    void publish(const std::string& message) {
        ++published_;
        bool first = true;
        for (Peer& peer : peers_) {
            if (!peer.subscribed) {
                continue;
            }
            if (published_ == faults_.hang_up) {
                ::shutdown(peer.socket.get(), SHUT_RDWR);
            } else if (published_ != faults_.drop || !first) {
                say(peer, message);
            }
            if (published_ == faults_.twice) {
                say(peer, message);
            }
            first = false;
        }
    }

    static void say(const Peer& peer, const std::string& bytes) {
        [[maybe_unused]] const ssize_t sent = ::send(peer.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }

    Faults faults_;
    chaos::Descriptor listener_;
    chaos::Descriptor stop_;
    std::string address_;
    std::vector<Peer> peers_;
    std::uint64_t published_ = 0;
    std::thread thread_;
};

}  // namespace tulle::load
