#include "mesh/keys/key_file.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "mesh/keys/secret_file.hpp"

namespace tulle::mesh {
namespace {

/// A descriptor that closes itself.
class File {
public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

[[noreturn]] void fail(const std::string& path, const std::string& why) {
    throw KeyFileError("mesh key " + path + ": " + why);
}

[[noreturn]] void fail_system(const std::string& path) {
    fail(path, std::strerror(errno));
}

/// The line without blanks and carriage returns at the end.
std::string_view trimmed(std::string_view line) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) {
        line.remove_suffix(1);
    }
    return line;
}

/// The only line of the text that is not empty and no comment; nothing for none and for several.
std::optional<std::string_view> only_line(std::string_view text) {
    std::optional<std::string_view> found;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (found) {
            return std::nullopt;
        }
        found = line;
    }
    return found;
}

}  // namespace

MeshKey read_key_file(const std::string& path) {
    FileText file = read_secret_file(path, kMaxKeyFileBytes);
    if (!file.error.empty()) {
        throw KeyFileError("mesh key " + path + " " + file.error);
    }
    const auto line = only_line(file.text);
    std::optional<MeshKey> key = line ? MeshKey::parse(*line) : std::nullopt;
    sodium_memzero(file.text.data(), file.text.size());
    if (!key) {
        fail(path, "not a key file: it must hold one line \"tulle-mesh-1 ID SECRET\", as tulle keygen writes");
    }
    return *std::move(key);
}

void write_key_file(const std::string& path, const MeshKey& key) {
    const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd() < 0 && errno == EEXIST) {
        fail(path, "the file exists already, and stays as it is");
    }
    if (file.fd() < 0) {
        fail_system(path);
    }
    std::string text = key.text() + "\n";
    const ssize_t written = ::write(file.fd(), text.data(), text.size());
    const bool is_whole = written == static_cast<ssize_t>(text.size()) && ::fsync(file.fd()) == 0;
    sodium_memzero(text.data(), text.size());
    if (!is_whole) {
        const std::string why = written < 0 ? std::strerror(errno) : "the file could not be written completely";
        ::unlink(path.c_str());
        fail(path, why);
    }
}

KeyRing read_key_ring(const std::vector<std::string>& sources) {
    std::vector<MeshKey> keys;
    for (const std::string& source : sources) {
        std::optional<MeshKey> key = MeshKey::parse(source);
        // A damaged text of a key must not be repeated in an error as if the text were a path.
        if (!key && source.starts_with("tulle-mesh-")) {
            throw KeyFileError("mesh key: the text of a key is damaged");
        }
        if (!key) {
            key = read_key_file(source);
        }
        if (std::any_of(keys.begin(), keys.end(), [&](const MeshKey& known) { return known.id() == key->id(); })) {
            throw KeyFileError("mesh key " + key->id() + " is given twice");
        }
        keys.push_back(*std::move(key));
    }
    if (keys.size() > KeyRing::kMaxKeys) {
        throw KeyFileError("more than " + std::to_string(KeyRing::kMaxKeys) + " mesh keys");
    }
    return KeyRing(std::move(keys));
}

}  // namespace tulle::mesh
