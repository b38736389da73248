#include "node/io/memory_gauge.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/// jemalloc's, if the program is linked with it.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value, std::size_t new_size)
    __attribute__((weak));

namespace tulle::node {
namespace {

constexpr const char* kCgroupRoot = "/sys/fs/cgroup";
constexpr const char* kV1Limit = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
constexpr std::uint64_t kNoLimit = 1ull << 56;  // what v1 says for none is a little below 2^63

std::string text_of(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// "max", or a file that is not there: nothing.
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && number < kNoLimit ? std::optional(number) : std::nullopt;
}

/// The value of `key` in lines of the form "KEY VALUE".
std::uint64_t value_of(std::string_view lines, std::string_view key) {
    for (std::size_t at = lines.find(key); at != lines.npos; at = lines.find(key, at + 1)) {
        if ((at == 0 || lines[at - 1] == '\n') && lines.substr(at + key.size()).starts_with(' ')) {
            return number_of(lines.substr(at + key.size() + 1)).value_or(0);
        }
    }
    return 0;
}

struct CgroupLimit {
    std::string directory;
    std::uint64_t bytes = 0;
};

/// Of the cgroup of this process and all above it, the one with the least limit. Nothing without cgroup v2.
std::optional<CgroupLimit> least_cgroup_limit() {
    const std::string lines = text_of("/proc/self/cgroup");
    const std::size_t begin = lines.find("0::");
    if (begin == lines.npos) {
        return std::nullopt;
    }
    std::string path = lines.substr(begin + 3, lines.find('\n', begin) - begin - 3);
    std::optional<CgroupLimit> least;
    for (;;) {
        const std::string directory = kCgroupRoot + (path == "/" ? "" : path);
        const std::optional<std::uint64_t> limit = number_of(text_of(directory + "/memory.max"));
        if (limit && (!least || *limit < least->bytes)) {
            least = CgroupLimit{directory, *limit};
        }
        const std::size_t slash = path.rfind('/');
        if (path.size() <= 1 || slash == path.npos) {
            return least;
        }
        path.resize(std::max<std::size_t>(slash, 1));
    }
}

std::uint64_t retained_by_allocator() {
    if (mallctl == nullptr) {
        return 0;
    }
    std::uint64_t epoch = 1;
    std::size_t retained = 0;
    std::size_t size = sizeof(retained);
    mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    return mallctl("stats.retained", &retained, &size, nullptr, 0) == 0 ? retained : 0;
}

}  // namespace

std::uint64_t memory_of_machine() {
    std::uint64_t bytes = static_cast<std::uint64_t>(std::max(0l, ::sysconf(_SC_PHYS_PAGES))) *
                          static_cast<std::uint64_t>(std::max(0l, ::sysconf(_SC_PAGESIZE)));
    const auto take = [&bytes](std::uint64_t limit) { bytes = bytes == 0 ? limit : std::min(bytes, limit); };
    if (const std::optional<CgroupLimit> limit = least_cgroup_limit()) {
        take(limit->bytes);
    } else if (const std::optional<std::uint64_t> v1 = number_of(text_of(kV1Limit))) {
        take(*v1);
    }
    return bytes;
}

MemoryGauge::MemoryGauge(std::uint64_t limit) : limit_(limit), statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {
    rlimit space{};
    if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
        address_space_ = space.rlim_cur;
    }
    if (const std::optional<CgroupLimit> least = least_cgroup_limit()) {
        cgroup_ = least->directory;
        cgroup_limit_ = least->bytes;
    }
}

MemoryGauge::~MemoryGauge() {
    if (statm_ >= 0) {
        ::close(statm_);
    }
}

const std::vector<MemoryUse>& MemoryGauge::measure() {
    uses_.clear();
    std::array<char, 128> text{};
    const ssize_t got = ::pread(statm_, text.data(), text.size() - 1, 0);
    const std::string_view pages(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    const std::size_t space = pages.find(' ');
    if (space != pages.npos) {
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        const std::uint64_t all = number_of(pages).value_or(0) * page;
        uses_.push_back({number_of(pages.substr(space + 1)).value_or(0) * page, limit_});
        if (address_space_ > 0) {
            // Address space that the allocator keeps is used again before more is asked for.
            uses_.push_back({all - std::min(all, retained_by_allocator()), address_space_});
        }
    }
    if (!cgroup_.empty()) {
        // The kernel's buffers of our sockets count there; the cache of files goes before anybody is killed.
        const std::uint64_t current = number_of(text_of(cgroup_ + "/memory.current")).value_or(0);
        const std::uint64_t cache = value_of(text_of(cgroup_ + "/memory.stat"), "inactive_file");
        uses_.push_back({current - std::min(current, cache), cgroup_limit_});
    }
    return uses_;
}

void MemoryGauge::purge() {
    if (mallctl != nullptr) {
        mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
    }
}

}  // namespace tulle::node
