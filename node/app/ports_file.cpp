#include "node/app/ports_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tulle::node {
namespace {

/// The path of the temporary file. The temporary file is in the directory of `path`, so that renaming is a single step.
/// The process's number keeps two starting nodes apart.
std::string temporary_of(const std::string& path) {
    return path + "." + std::to_string(::getpid()) + ".tmp";
}

}  // namespace

void write_ports_file(const std::string& path, const BoundPorts& ports) {
    boost::json::object object{
        {"listen", ports.listen}, {"mesh", ports.mesh}, {"mesh_data", ports.mesh_data}, {"admin", ports.admin}};
    if (!ports.tls_listen.empty()) {
        object["tls_listen"] = ports.tls_listen;
    }
    if (!ports.redis.empty()) {
        object["redis"] = ports.redis;
    }
    const std::string text = boost::json::serialize(object);
    const std::string temporary = temporary_of(path);
    std::ofstream stream(temporary, std::ios::trunc);
    stream << text << '\n';
    stream.close();
    if (!stream || std::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        std::remove(temporary.c_str());
        throw std::runtime_error("cannot write the ports file " + path + ": " + std::strerror(error));
    }
}

std::string why_no_ports_file(const std::string& path) {
    std::error_code ignored;
    if (path.ends_with('/') || std::filesystem::is_directory(path, ignored)) {
        return std::strerror(EISDIR);
    }
    const std::string temporary = temporary_of(path);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return std::filesystem::path(path).parent_path().string() + ": " + std::strerror(errno);
    }
    ::close(descriptor);
    ::unlink(temporary.c_str());
    return "";
}

}  // namespace tulle::node
