// The floor that Tulle is held against: what a send for each subscriber costs, with nothing around it.
#include <sys/socket.h>

#include <cerrno>

#include "tests/bench/floor/server.hpp"

namespace {

using tulle::bench::floor::Short;

class PlainSender final : public tulle::bench::floor::Sender {
public:
    void send_all(std::span<const int> sockets, std::string_view bytes, std::vector<Short>& shorts) override {
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            const ssize_t sent = ::send(sockets[i], bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent != static_cast<ssize_t>(bytes.size())) {
                const bool has_failed = sent < 0 && errno != EAGAIN && errno != EINTR;
                shorts.push_back({i, sent < 0 ? 0 : static_cast<std::size_t>(sent), has_failed ? errno : 0});
            }
        }
    }
};

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = tulle::bench::floor::read_arguments(argc, argv, true);
    PlainSender sender;
    return tulle::bench::floor::serve(arguments, sender);
}
