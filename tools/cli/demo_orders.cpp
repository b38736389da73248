#include "tools/cli/demo_orders.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace tulle::cli {

DemoOrders::DemoOrders() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_NONBLOCK) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe");
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
    ::fcntl(read_end_, F_SETFD, FD_CLOEXEC);
}

DemoOrders::~DemoOrders() {
    ::close(read_end_);
    ::close(write_end_);
}

std::vector<DemoOrder> DemoOrders::next() {
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(read_end_, buffer.data(), buffer.size())) > 0;) {
        partial_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    std::vector<DemoOrder> orders;
    for (std::size_t end = 0; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1)) {
        const std::string_view line = std::string_view(partial_).substr(0, end);
        for (const bool is_start : {false, true}) {
            const std::string_view word = is_start ? "start " : "kill ";
            if (line.starts_with(word)) {
                orders.push_back({is_start, std::string(line.substr(word.size()))});
            }
        }
    }
    return orders;
}

}  // namespace tulle::cli
