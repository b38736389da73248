# layer_library(): the one way to add a library.
#
#   layer_library(NAME tulle_mesh_core LAYER 1 SOURCES a.cpp HEADERS a.hpp
#                 DEPS tulle_base EXTERNAL Boost::headers [HOT|COLD] [ALONE a.cpp...] [PCH header...])
#
# 1. A DEP of a higher layer than LAYER is a configure error.
# 2. link_test_<NAME> links the whole archive with its declared DEPS only, so a symbol of an undeclared library breaks the build.
# 3. With TULLE_UNITY (the preset release has it on) TULLE_UNITY_BATCH sources are compiled at once (compile_together below): most of what
#    the compiler reads is headers. What cannot be joined with others is in ALONE. Trees without TULLE_UNITY find an include that is
#    missing, and have a precompiled header of PCH instead, which costs a joined library more than it saves.
# 4. HOT: a delivery or a request runs through it. g++ inlines and clones less once a unit has more than 10,000 and 16,000 instructions, which
#    would cost a request 4 % of its instructions: a joined unit of a HOT library may be as large as its sources together.
# 5. COLD: configuration, commands, the admin listener, where no time is spent. -O1 saves a quarter of their compile time; programs take the
#    word too.
# 6. Headers are registered for the header check (tests/lint): each must compile alone.

# g++ collects its garbage whenever its heap has doubled, which is 10 to 20 % of the time of a large source. Below 1 GiB g++ need not: no joined
# source comes to more than 1.6 GiB.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=1048576>)

add_library(tulle_options INTERFACE)
target_compile_options(tulle_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers  # g++ 12 warns at designated initialisers, where leaving out means the default
  $<$<BOOL:${TULLE_WERROR}>:-Werror>
  -fstack-protector-strong
  # A unit test's own code runs once, and what it tests comes from the libraries: not to optimise it saves a sixth of its compile time.
  $<$<CONFIG:RelWithDebInfo>:-g1 -U_FORTIFY_SOURCE $<IF:$<BOOL:$<TARGET_PROPERTY:TULLE_UNIT_TEST>>,-O0,$<IF:$<BOOL:$<TARGET_PROPERTY:TULLE_COLD>>,-O1,-O2>;-D_FORTIFY_SOURCE=2>>)
target_compile_definitions(tulle_options INTERFACE _GLIBCXX_ASSERTIONS TULLE_VERSION="${PROJECT_VERSION}")
target_link_options(tulle_options INTERFACE -fuse-ld=mold -pie -Wl,-z,relro,-z,now)
if(TULLE_SANITIZE)
  list(JOIN TULLE_SANITIZE "," sanitizers)
  set(sanitizer_flags -fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if("undefined" IN_LIST TULLE_SANITIZE)
    # The check of virtual tables asks the kernel whether an object can be read, by a pipe, and takes "no descriptors left" for "no".
    list(APPEND sanitizer_flags -fno-sanitize=vptr)
  endif()
  target_compile_options(tulle_options INTERFACE ${sanitizer_flags})
  target_link_options(tulle_options INTERFACE -fsanitize=${sanitizers})
  target_compile_options(tulle_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # g++ 12 errs with instrumented optionals
  if("thread" IN_LIST TULLE_SANITIZE)
    target_compile_options(tulle_options INTERFACE -Wno-tsan)
  endif()
endif()
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-O2 -g" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")

# Asio and Beast compiled once; everything that includes them links this.
add_library(boost_compiled STATIC ${CMAKE_SOURCE_DIR}/tools/cmake/boost_compiled.cpp)
target_compile_definitions(boost_compiled PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_compile_options(boost_compiled PRIVATE -O2 -w)
if(TULLE_SANITIZE)
  target_compile_options(boost_compiled PRIVATE ${sanitizer_flags})
endif()
target_link_libraries(boost_compiled PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

# compile_together(TARGET BATCH [SOURCE...]): with TULLE_UNITY, BATCH sources are compiled as one; the SOURCEs stay alone.
function(compile_together target batch)
  if(NOT TULLE_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# embed_text(VARIABLE FILE HEADER NAME): compiles a text file in. VARIABLE becomes the path of the source to add to a library; the function
# NAME of tulle::node, which HEADER declares, returns the text.
function(embed_text variable file header name)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  add_custom_command(OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${source} -DHEADER=${header} -DNAME=${name}
            -P ${CMAKE_SOURCE_DIR}/tools/cmake/embed.cmake
    DEPENDS ${file} ${CMAKE_SOURCE_DIR}/tools/cmake/embed.cmake
    COMMENT "Embedding ${file}")
  set(${variable} ${source} PARENT_SCOPE)
endfunction()

function(layer_library)
  cmake_parse_arguments(L "HOT;COLD" "NAME;LAYER" "SOURCES;HEADERS;DEPS;EXTERNAL;PCH;ALONE" ${ARGN})
  add_library(${L_NAME} STATIC ${L_SOURCES} ${L_HEADERS})
  set_target_properties(${L_NAME} PROPERTIES TULLE_LAYER ${L_LAYER} TULLE_COLD "${L_COLD}")
  compile_together(${L_NAME} ${TULLE_UNITY_BATCH} ${L_ALONE})
  if(L_HOT AND TULLE_UNITY)
    math(EXPR insns "${TULLE_UNITY_BATCH} * 10000")
    math(EXPR cloning_insns "${TULLE_UNITY_BATCH} * 16000")
    target_compile_options(${L_NAME} PRIVATE
      "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=large-unit-insns=${insns};--param=ipa-cp-large-unit-insns=${cloning_insns}>")
  endif()
  target_include_directories(${L_NAME} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  foreach(dep IN LISTS L_DEPS)
    get_target_property(layer ${dep} TULLE_LAYER)
    if(layer MATCHES "NOTFOUND")
      message(FATAL_ERROR "${L_NAME}: DEPS ${dep} is not a layer_library declared before it")
    endif()
    if(layer GREATER L_LAYER)
      message(FATAL_ERROR "${L_NAME} (layer ${L_LAYER}) must not depend on ${dep} (layer ${layer})")
    endif()
  endforeach()
  target_link_libraries(${L_NAME} PUBLIC ${L_DEPS} ${L_EXTERNAL} PRIVATE $<BUILD_INTERFACE:tulle_options>)
  if(L_PCH AND NOT TULLE_UNITY)
    target_precompile_headers(${L_NAME} PRIVATE ${L_PCH})
  endif()
  set_property(GLOBAL APPEND PROPERTY TULLE_LIBRARIES ${L_NAME})

  file(WRITE ${CMAKE_BINARY_DIR}/link_test/main.cpp "int main() {}\n")
  add_executable(link_test_${L_NAME} ${CMAKE_BINARY_DIR}/link_test/main.cpp)
  set_target_properties(link_test_${L_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/link_test)
  target_link_libraries(link_test_${L_NAME} PRIVATE
    $<LINK_LIBRARY:WHOLE_ARCHIVE,${L_NAME}> ${L_DEPS} ${L_EXTERNAL} tulle_options)
endfunction()

function(layer_program)
  cmake_parse_arguments(P "COLD" "NAME" "SOURCES;DEPS;EXTERNAL" ${ARGN})
  add_executable(${P_NAME} ${P_SOURCES})
  set_target_properties(${P_NAME} PROPERTIES TULLE_COLD "${P_COLD}")
  compile_together(${P_NAME} ${TULLE_UNITY_BATCH})
  target_include_directories(${P_NAME} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${P_NAME} PRIVATE ${P_DEPS} ${P_EXTERNAL} tulle_options)
endfunction()

# proto_library(NAME name FILES path...): the code that protoc makes of proto/PATH.proto. Generated code has neither our warnings nor
# our style; the release build's optimisation comes with tulle_options, whose warnings are not for it. (FindProtobuf's own function
# mixes up source and binary folders when the .proto files live in another folder than the target.)
function(proto_library)
  cmake_parse_arguments(PROTO "" "NAME" "FILES" ${ARGN})
  set(generated ${CMAKE_BINARY_DIR}/generated)
  set(sources "")
  foreach(path IN LISTS PROTO_FILES)
    set(file proto/${path})
    add_custom_command(
      OUTPUT ${generated}/${file}.pb.cc ${generated}/${file}.pb.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${generated}
      COMMAND protobuf::protoc --proto_path ${CMAKE_SOURCE_DIR} --cpp_out ${generated} ${CMAKE_SOURCE_DIR}/${file}.proto
      DEPENDS ${CMAKE_SOURCE_DIR}/${file}.proto
      VERBATIM)
    list(APPEND sources ${generated}/${file}.pb.cc ${generated}/${file}.pb.h)
  endforeach()
  add_library(${PROTO_NAME} STATIC ${sources})
  target_include_directories(${PROTO_NAME} SYSTEM PUBLIC ${generated})
  target_link_libraries(${PROTO_NAME} PUBLIC protobuf::libprotobuf)
  target_compile_options(${PROTO_NAME} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O2>)
  if(TULLE_SANITIZE)
    target_compile_options(${PROTO_NAME} PRIVATE ${sanitizer_flags})
  endif()
endfunction()
