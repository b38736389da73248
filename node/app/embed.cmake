# Turns a text file into a C++ source that holds it: cmake -DINPUT=… -DOUTPUT=… -P embed.cmake
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
file(WRITE "${OUTPUT}" "#include \"node/app/demo_page.hpp\"

namespace tulle::node {
namespace {

constexpr char kPage[] = {${bytes}'\\0'};

}  // namespace

std::string_view demo_page() { return {kPage, sizeof(kPage) - 1}; }

}  // namespace tulle::node
")
