#include "node/app/ports_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tulle::node {

void write_ports_file(const std::string& path, const BoundPorts& ports) {
    const std::string text = boost::json::serialize(boost::json::object{{"listen", ports.listen},
                                                                        {"mesh", ports.mesh},
                                                                        {"mesh_data", ports.mesh_data},
                                                                        {"admin", ports.admin}});
    const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
    std::ofstream stream(temporary, std::ios::trunc);
    stream << text << '\n';
    stream.close();
    if (!stream || std::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        std::remove(temporary.c_str());
        throw std::runtime_error("cannot write the ports file " + path + ": " + std::strerror(error));
    }
}

}  // namespace tulle::node
