# The two programs, and what `werkbank` carries inside: the runner for foreign machines and the SDK's wheel.
# Programs whose sources are not there are left out, so that each folder of src/ can be built and tested alone.
include_guard()

if(WERKBANK_SANITIZE)
  # A sanitizer's runtime cannot be linked into a fully static program.
  set(werkbank_static_program "")
  set(werkbank_portable_program "")
else()
  set(werkbank_static_program -static -Wl,--gc-sections)
  set(werkbank_portable_program -static-libstdc++ -static-libgcc -Wl,--gc-sections)
endif()

# Leaves PROGRAM small and keeps its debug information in PROGRAM.debug, where gdb and perf find it by itself.
find_program(WERKBANK_OBJCOPY NAMES llvm-objcopy-19 objcopy REQUIRED)
function(werkbank_split_debug target)
  if(NOT WERKBANK_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    set(file $<TARGET_FILE:${target}>)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${WERKBANK_OBJCOPY} --only-keep-debug ${file} ${file}.debug
      COMMAND ${WERKBANK_OBJCOPY} --strip-all --add-gnu-debuglink=${file}.debug ${file})
  endif()
endfunction()

# -- werkbank-runner: fully static, because it is copied to machines that have nothing of ours
file(GLOB runner_main CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/runner/runner_main.cc)
if(runner_main)
  add_executable(werkbank-runner ${runner_main})
  target_link_libraries(werkbank-runner PRIVATE wb_runner)
  target_link_options(werkbank-runner PRIVATE ${werkbank_static_program})
  werkbank_split_debug(werkbank-runner)
endif()

# -- the wheel: exactly one, in build/ (or in the build folder, where that lies elsewhere)
get_filename_component(werkbank_build_parent ${CMAKE_BINARY_DIR} DIRECTORY)
if(werkbank_build_parent STREQUAL "${CMAKE_SOURCE_DIR}/build")
  set(werkbank_wheel_folder ${werkbank_build_parent})
else()
  set(werkbank_wheel_folder ${CMAKE_BINARY_DIR})
endif()
set(werkbank_wheel ${werkbank_wheel_folder}/werkbank_azureml-${PROJECT_VERSION}-py3-none-any.whl)
file(GLOB wheel_builder CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/python/build_wheel.py)
if(wheel_builder)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  file(GLOB stale_wheels ${werkbank_wheel_folder}/*.whl)
  list(REMOVE_ITEM stale_wheels ${werkbank_wheel})
  if(stale_wheels)
    file(REMOVE ${stale_wheels})
  endif()
  file(GLOB_RECURSE wheel_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/python/azureml/*)
  list(FILTER wheel_sources EXCLUDE REGEX "(__pycache__|\\.pyc$)")
  add_custom_command(OUTPUT ${werkbank_wheel} VERBATIM COMMENT "Building the SDK's wheel"
    COMMAND ${Python3_EXECUTABLE} ${wheel_builder} ${werkbank_wheel_folder}
    COMMAND ${CMAKE_COMMAND} -E touch_nocreate ${werkbank_wheel}
    DEPENDS ${wheel_builder} ${wheel_sources} ${CMAKE_SOURCE_DIR}/CMakeLists.txt)
  add_custom_target(wheel DEPENDS ${werkbank_wheel})
endif()

# -- werkbank: everything else, with the two files above inside (src/main/embedded.hh)
file(GLOB werkbank_main CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/main/main.cc)
if(werkbank_main AND TARGET werkbank-runner AND TARGET wheel)
  file(GLOB main_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/main/*.cc)
  list(FILTER main_sources EXCLUDE REGEX "_test\\.cc$")
  set(WERKBANK_EMBEDDED_RUNNER $<TARGET_FILE:werkbank-runner>)
  set(WERKBANK_EMBEDDED_WHEEL ${werkbank_wheel})
  configure_file(${CMAKE_SOURCE_DIR}/cmake/embedded.cc.in ${CMAKE_BINARY_DIR}/embedded.cc.in @ONLY)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/embedded.cc INPUT ${CMAKE_BINARY_DIR}/embedded.cc.in)
  # The compiler's dependency file does not name what the assembler includes.
  set_source_files_properties(${CMAKE_BINARY_DIR}/embedded.cc PROPERTIES
    OBJECT_DEPENDS "${CMAKE_BINARY_DIR}/werkbank-runner;${werkbank_wheel}")
  add_executable(werkbank ${main_sources} ${CMAKE_BINARY_DIR}/embedded.cc)
  add_dependencies(werkbank werkbank-runner wheel)
  target_compile_definitions(werkbank PRIVATE WERKBANK_VERSION="${PROJECT_VERSION}")
  target_link_libraries(werkbank PRIVATE wb_api wb_cli wb_lifecycle wb_compute_local wb_compute_pool
    wb_store_memory wb_store_sqlite wb_content_memory wb_content_directory wb_data_folder wb_data_azure_blob
    wb_data_s3 wb_data_kinds wb_environment pkg_zlib)
  target_link_options(werkbank PRIVATE ${werkbank_portable_program})
  werkbank_split_debug(werkbank)
  add_custom_command(TARGET werkbank POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -E create_symlink werkbank ${CMAKE_BINARY_DIR}/az)
endif()
