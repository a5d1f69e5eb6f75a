# The native engine as one library, free of Python. Files of kernels are compiled once for each
# instruction set, with its flags; which set runs is chosen when the module is loaded.
file(GLOB chainrule_kernels CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/kernels/*.cpp")
file(GLOB chainrule_sources CONFIGURE_DEPENDS
  "${CMAKE_CURRENT_LIST_DIR}/*.cpp" "${CMAKE_CURRENT_LIST_DIR}/steps/*.cpp")

add_library(chainrule_options INTERFACE)
target_compile_features(chainrule_options INTERFACE cxx_std_20)
target_include_directories(chainrule_options INTERFACE "${CMAKE_CURRENT_LIST_DIR}")
if(MSVC)
  target_compile_options(chainrule_options INTERFACE /fp:precise)
else()
  # Contracting a * b + c into one rounding would change bits from machine to machine.
  target_compile_options(chainrule_options INTERFACE -O3 -ffp-contract=off -Wall -Wextra)
endif()

function(chainrule_instruction_set name)
  add_library(chainrule_${name} OBJECT ${chainrule_kernels})
  set_target_properties(chainrule_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(chainrule_${name} PRIVATE chainrule_options)
  target_compile_definitions(chainrule_${name} PRIVATE CHAINRULE_SET=${name})
  target_compile_options(chainrule_${name} PRIVATE ${ARGN})
endfunction()

add_library(chainrule_native STATIC ${chainrule_sources})
set_target_properties(chainrule_native PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_link_libraries(chainrule_native PUBLIC chainrule_options Threads::Threads)

chainrule_instruction_set(plain)
target_sources(chainrule_native PRIVATE $<TARGET_OBJECTS:chainrule_plain>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  if(MSVC)
    chainrule_instruction_set(avx2 /arch:AVX2 /DCHAINRULE_AVX2)
  else()
    chainrule_instruction_set(avx2 -mavx2 -mfma -mprfchw -DCHAINRULE_AVX2)
  endif()
  target_sources(chainrule_native PRIVATE $<TARGET_OBJECTS:chainrule_avx2>)
  target_compile_definitions(chainrule_native PRIVATE CHAINRULE_HAS_AVX2)
endif()
