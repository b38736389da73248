#include "mesh/keys/secret_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tulle::mesh {
namespace {

// Reading by others, and writing by anybody but the owner.
constexpr mode_t kForbidden = S_IRWXO | S_IWGRP;

/// Why the open file is not used; empty for a file that may be used.
std::string why_unfit(int descriptor, std::size_t limit) {
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) {
        return std::string("cannot be read: ") + std::strerror(errno);
    }
    if (!S_ISREG(facts.st_mode)) {
        return "is no regular file";
    }
    if ((facts.st_mode & kForbidden) != 0) {
        std::array<char, 8> mode{};
        std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(facts.st_mode & 07777));
        return std::string("has the mode ") + mode.data() +
               ", so that others can read or change a secret: chmod 0600 (for a Secret of Kubernetes: defaultMode: 0440"
               " and fsGroup)";
    }
    return facts.st_size > static_cast<off_t>(limit) ? "has more than " + std::to_string(limit) + " bytes" : "";
}

}  // namespace

SecretFile read_secret_file(const std::string& path, std::size_t limit) {
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return {{}, std::string("cannot be read: ") + std::strerror(errno)};
    }
    SecretFile file;
    file.error = why_unfit(descriptor, limit);
    std::array<char, 4096> buffer{};
    while (file.error.empty()) {
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0) {
            file.error = std::string("cannot be read: ") + std::strerror(errno);
        } else if (count == 0) {
            break;
        } else if (file.text.append(buffer.data(), static_cast<std::size_t>(count)); file.text.size() > limit) {
            // The file has grown since its size was looked at.
            file.error = "has more than " + std::to_string(limit) + " bytes";
        }
    }
    ::close(descriptor);
    return file.error.empty() ? file : SecretFile{{}, std::move(file.error)};
}

}  // namespace tulle::mesh
