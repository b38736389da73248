// The floor below the floor: the sends of a turn go to the kernel as one submission of an io_uring.
#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "tests/bench/floor/server.hpp"

namespace {

using tulle::bench::floor::Short;

constexpr unsigned kRingEntries = 1024;
/// Exit code where the machine forbids io_uring, as many containers do.
constexpr int kForbidden = 77;

class UringSender final : public tulle::bench::floor::Sender {
public:
    UringSender() {
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        const int result = io_uring_queue_init_params(kRingEntries, &ring_, &parameters);
        if (result < 0) {
            throw std::system_error(-result, std::generic_category(), "io_uring_queue_init");
        }
    }
    UringSender(const UringSender&) = delete;
    UringSender& operator=(const UringSender&) = delete;
    ~UringSender() override { io_uring_queue_exit(&ring_); }

    void send_all(std::span<const int> sockets, std::string_view bytes, std::vector<Short>& shorts) override {
        for (std::size_t start = 0; start < sockets.size(); start += kRingEntries) {
            const std::size_t count = std::min<std::size_t>(kRingEntries, sockets.size() - start);
            for (std::size_t i = start; i < start + count; ++i) {
                io_uring_sqe* entry = io_uring_get_sqe(&ring_);  // there is room: the ring is empty before each part
                io_uring_prep_send(entry, sockets[i], bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
                io_uring_sqe_set_data64(entry, i);
            }
            collect(static_cast<unsigned>(count), bytes.size(), shorts);
        }
        std::sort(shorts.begin(), shorts.end(), [](const Short& a, const Short& b) { return a.position < b.position; });
    }

private:
    /// With MSG_DONTWAIT every send completes within its submission.
    void collect(unsigned count, std::size_t size, std::vector<Short>& shorts) {
        if (const int result = io_uring_submit_and_wait(&ring_, count); result < 0 && result != -EINTR) {
            throw std::system_error(-result, std::generic_category(), "io_uring_submit_and_wait");
        }
        for (unsigned done = 0; done < count;) {
            io_uring_cqe* completion = nullptr;
            if (const int result = io_uring_wait_cqe(&ring_, &completion); result < 0) {
                if (result == -EINTR) {
                    continue;
                }
                throw std::system_error(-result, std::generic_category(), "io_uring_wait_cqe");
            }
            unsigned head = 0;
            unsigned seen = 0;
            io_uring_for_each_cqe(&ring_, head, completion) {
                note(completion->user_data, completion->res, size, shorts);
                ++seen;
            }
            io_uring_cq_advance(&ring_, seen);
            done += seen;
        }
    }

    static void note(std::uint64_t position, int result, std::size_t size, std::vector<Short>& shorts) {
        if (result == static_cast<int>(size)) {
            return;
        }
        const bool has_failed = result < 0 && result != -EAGAIN && result != -EINTR;
        shorts.push_back({position, result < 0 ? 0 : static_cast<std::size_t>(result), has_failed ? -result : 0});
    }

    io_uring ring_{};
};

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = tulle::bench::floor::read_arguments(argc, argv, false);
    try {
        UringSender sender;
        return tulle::bench::floor::serve(arguments, sender);
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "floor_uring: this machine offers no io_uring (with DEFER_TASKRUN, Linux 6.1): %s\n",
                     error.what());
        return kForbidden;
    }
}
