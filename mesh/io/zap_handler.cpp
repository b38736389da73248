#include "mesh/io/zap_handler.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tulle::mesh {
namespace {

// RFC 27: the parts of a request. The credentials of CURVE are one part, the client's public key.
constexpr std::size_t kVersion = 0;
constexpr std::size_t kRequestId = 1;
constexpr std::size_t kDomainPart = 2;
constexpr std::size_t kMechanism = 5;
constexpr std::size_t kCredentials = 6;
constexpr std::size_t kParts = 7;

zmq::socket_t make_socket(zmq::context_t& context) {
    zmq::socket_t socket(context, zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind("inproc://zeromq.zap.01");
    return socket;
}

}  // namespace

ZapHandler::ZapHandler(zmq::context_t& context, KeyRing ring)
    : socket_(make_socket(context)), inlet_(socket_), ring_(std::move(ring)) {}

const MeshKey* ZapHandler::judge(const std::vector<zmq::message_t>& request) {
    const bool is_well_formed = request.size() == kParts && request[kVersion].to_string_view() == "1.0" &&
                                request[kDomainPart].to_string_view() == kDomain &&
                                request[kMechanism].to_string_view() == "CURVE";
    return is_well_formed ? ring_.of_client(request[kCredentials].to_string_view()) : nullptr;
}

void ZapHandler::answer() {
    for (std::size_t i = 0; i < kRequestsPerTurn; ++i) {
        std::vector<zmq::message_t> request(1);
        if (!inlet_.receive(request.back())) {
            return;
        }
        while (request.back().more()) {
            zmq::message_t part;
            static_cast<void>(socket_.recv(part, zmq::recv_flags::dontwait));
            request.push_back(std::move(part));
        }
        const MeshKey* key = judge(request);
        refused_ += key == nullptr ? 1 : 0;
        const std::string id = request.size() > kRequestId ? request[kRequestId].to_string() : "";
        // Version, request id, status, text of the status, user id, metadata.
        const std::string reply[] = {"1.0",
                                     id,
                                     key == nullptr ? "400" : "200",
                                     key == nullptr ? "unknown key" : "",
                                     key == nullptr ? "" : key->id(),
                                     ""};
        for (const std::string& part : reply) {
            const bool is_last = &part == std::end(reply) - 1;
            // The session of the request may have ended by now; libzmq then drops the reply.
            static_cast<void>(
                socket_.send(zmq::buffer(part), is_last ? zmq::send_flags::dontwait
                                                        : zmq::send_flags::dontwait | zmq::send_flags::sndmore));
        }
        inlet_.touch();
    }
}

}  // namespace tulle::mesh
