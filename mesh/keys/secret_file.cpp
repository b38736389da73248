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

// Rights that nobody may have to a file of a secret: reading by others, and writing by anybody but the owner.
constexpr mode_t kForbidden = S_IRWXO | S_IWGRP;

/// Why the open file is not used; empty for a file that may be used. `forbidden`: the rights that nobody may have.
std::string why_unfit(int descriptor, std::size_t limit, mode_t forbidden) {
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) {
        return std::string("cannot be read: ") + std::strerror(errno);
    }
    if (!S_ISREG(facts.st_mode)) {
        return "is no regular file";
    }
    if ((facts.st_mode & forbidden) != 0) {
        std::array<char, 8> mode{};
        std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(facts.st_mode & 07777));
        return std::string("has the mode ") + mode.data() +
               ", so that others can read or change a secret: chmod 0600, or 0640 with the node's group (for a Secret "
               "of Kubernetes:"
               " defaultMode: 0440 and fsGroup)";
    }
    return facts.st_size > static_cast<off_t>(limit) ? "has more than " + std::to_string(limit) + " bytes" : "";
}

FileText read_file(const std::string& path, std::size_t limit, mode_t forbidden) {
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return {{}, std::string("cannot be read: ") + std::strerror(errno)};
    }
    FileText file;
    file.error = why_unfit(descriptor, limit, forbidden);
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
    return file.error.empty() ? file : FileText{{}, std::move(file.error)};
}

}  // namespace

FileText read_secret_file(const std::string& path, std::size_t limit) {
    return read_file(path, limit, kForbidden);
}

FileText read_public_file(const std::string& path, std::size_t limit) {
    return read_file(path, limit, 0);
}

}  // namespace tulle::mesh
