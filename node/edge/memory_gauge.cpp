#include "node/edge/memory_gauge.hpp"

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

/// A function of jemalloc. Null if the program is not linked with jemalloc.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value, std::size_t new_size)
    __attribute__((weak));

namespace tulle::node {
namespace {

// The value for "no limit": cgroup v1 writes a number a little below 2^63.
constexpr std::uint64_t kNoLimit = 1ull << 56;

// The text of a file; empty when the file cannot be read.
std::string text_of(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// The number at the beginning of a text. Nothing for "max", for an empty text, and for a number that means "no limit".
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && number < kNoLimit ? std::optional(number) : std::nullopt;
}

/// The value of `key` in lines of the form "KEY VALUE"; 0 without such a line.
std::uint64_t value_of(std::string_view lines, std::string_view key) {
    for (std::size_t at = lines.find(key); at != lines.npos; at = lines.find(key, at + 1)) {
        // Only a key at the beginning of a line and of full length counts: "active_file" is a part of "inactive_file".
        if ((at == 0 || lines[at - 1] == '\n') && lines.substr(at + key.size()).starts_with(' ')) {
            return number_of(lines.substr(at + key.size() + 1)).value_or(0);
        }
    }
    return 0;
}

/// The cgroup with the least limit among the cgroup at `path` and all cgroups above.
std::optional<MemoryCgroup> least_limit(const std::string& root, std::string path, const char* file) {
    std::optional<MemoryCgroup> least;
    for (;;) {
        const std::string directory = root + (path == "/" ? "" : path);
        const std::optional<std::uint64_t> limit = number_of(text_of(directory + "/" + file));
        if (limit && (!least || *limit < least->limit)) {
            least = MemoryCgroup{directory, *limit};
        }
        // The next path is the parent's; the root is the last.
        const std::size_t slash = path.rfind('/');
        if (path.size() <= 1 || slash == path.npos) {
            return least;
        }
        path.resize(std::max<std::size_t>(slash, 1));
    }
}

/// The path after `controller` in the lines of /proc/self/cgroup: "0::/a" is a line of v2, "4:memory:/a" a line of v1.
std::optional<std::string> path_of(const std::string& lines, std::string_view controller) {
    const std::size_t at = lines.find(controller);
    if (at == lines.npos) {
        return std::nullopt;
    }
    const std::size_t begin = at + controller.size();
    return lines.substr(begin, lines.find('\n', begin) - begin);
}

/// The memory limit of this process by cgroup. A machine with both versions has the memory of a single version only.
std::optional<MemoryCgroup> memory_cgroup() {
    const std::string lines = text_of("/proc/self/cgroup");
    std::optional<MemoryCgroup> found;
    if (const std::optional<std::string> path = path_of(lines, "0::")) {
        found = least_limit("/sys/fs/cgroup", *path, "memory.max");
    }
    if (const std::optional<std::string> path = path_of(lines, ":memory:"); path && !found) {
        found = least_limit("/sys/fs/cgroup/memory", *path, "memory.limit_in_bytes");
        // In a container the path is a path of the host, and the cgroup of the container is the root.
        if (!found) {
            found = least_limit("/sys/fs/cgroup/memory", "/", "memory.limit_in_bytes");
        }
        if (found) {
            found->usage_file = "/memory.usage_in_bytes";
            found->cache_prefix = "total_";
        }
    }
    return found;
}

// Address space in bytes that jemalloc keeps without using; 0 without jemalloc.
std::uint64_t retained_by_allocator() {
    if (mallctl == nullptr) {
        return 0;
    }
    std::uint64_t epoch = 1;
    std::size_t retained = 0;
    std::size_t size = sizeof(retained);
    // Statistics of jemalloc stand still until the epoch is advanced.
    mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    return mallctl("stats.retained", &retained, &size, nullptr, 0) == 0 ? retained : 0;
}

}  // namespace

std::uint64_t memory_of_machine() {
    // The machine's memory first, then the limit of the cgroup if lower.
    std::uint64_t bytes = static_cast<std::uint64_t>(std::max(0l, ::sysconf(_SC_PHYS_PAGES))) *
                          static_cast<std::uint64_t>(std::max(0l, ::sysconf(_SC_PAGESIZE)));
    const std::optional<MemoryCgroup> cgroup = memory_cgroup();
    if (cgroup) {
        bytes = bytes == 0 ? cgroup->limit : std::min(bytes, cgroup->limit);
    }
    return bytes;
}

MemoryGauge::MemoryGauge(std::uint64_t limit)
    : limit_(limit), cgroup_(memory_cgroup()), statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {
    rlimit space{};
    if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
        address_space_ = space.rlim_cur;
    }
}

MemoryGauge::~MemoryGauge() {
    if (statm_ >= 0) {
        ::close(statm_);
    }
}

const std::vector<MemoryUse>& MemoryGauge::measure() {
    uses_.clear();
    // /proc/self/statm: "SIZE RESIDENT …" in pages. SIZE is address space.
    std::array<char, 128> text{};
    const ssize_t got = ::pread(statm_, text.data(), text.size() - 1, 0);
    const std::string_view pages(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    const std::size_t space = pages.find(' ');
    if (space != pages.npos) {
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        const std::uint64_t all = number_of(pages).value_or(0) * page;
        uses_.push_back({number_of(pages.substr(space + 1)).value_or(0) * page, limit_});
        if (address_space_ > 0) {
            // The allocator uses retained address space again before asking for more.
            uses_.push_back({all - std::min(all, retained_by_allocator()), address_space_});
        }
    }
    if (cgroup_) {
        // The kernel's buffers of our sockets count in the cgroup. The cache of files, active or not, does not count:
        // the kernel drops the cache before killing anybody.
        const std::optional<std::uint64_t> current = number_of(text_of(cgroup_->directory + cgroup_->usage_file));
        const std::string stat = text_of(cgroup_->directory + "/memory.stat");
        const std::uint64_t cache = value_of(stat, cgroup_->cache_prefix + "inactive_file") +
                                    value_of(stat, cgroup_->cache_prefix + "active_file");
        // Without descriptors left the files cannot be opened. The last measurement counts until they can: a node short
        // of descriptors may be short of memory too.
        if (current && !stat.empty()) {
            cgroup_used_ = *current - std::min(*current, cache);
        }
        uses_.push_back({cgroup_used_, cgroup_->limit});
    }
    return uses_;
}

void MemoryGauge::purge() {
    if (mallctl != nullptr) {
        // The index that jemalloc documents as "all arenas".
        mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
    }
}

}  // namespace tulle::node
